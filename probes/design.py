"""One training set and the rows that it leaves out, with what all probes on it share.

A probe that can fit many label sets at once has `held_out(design, labels, strengths)`; any other estimator is fitted
one label set at a time (`one_by_one`).
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from inspect import signature
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float
from sklearn.base import clone
from torch import Tensor

from probes.kernel import Kernel
from probes.standardise import Standard, standardised

Labels = Float[Tensor, "fit row"]  # 0 and 1, both in every fit
ReadOuts = Float[Tensor, "fit test"]


class Design:
    """Rows of one layer, split; `groups` are the questions of the training rows."""

    def __init__(
        self,
        rows: Float[Tensor, "all d_model"],
        train: Bool[np.ndarray, " all"],
        groups: np.ndarray,
    ) -> None:
        mask = torch.from_numpy(train).to(rows.device)
        self.rows, self.unseen = rows[mask], rows[~mask]
        self.groups = groups[train]

    @cached_property
    def _standardised(self) -> tuple[Standard, Float[Tensor, "row d_model"]]:
        return standardised(self.rows)

    @property
    def standard(self) -> Standard:
        """Centre and scale of the training rows."""
        return self._standardised[0]

    @cached_property
    def kernel(self) -> Kernel:
        """The kernel of the standardised training rows."""
        return Kernel(self._standardised[1])

    @cached_property
    def standard_unseen(self) -> Float[Tensor, "test d_model"]:
        """The unseen rows in the units of the training rows."""
        return self.standard(self.unseen)

    def read(self, duals: Float[Tensor, "fit row"], intercept: Any = 0.0) -> ReadOuts:
        """Read-outs of the unseen rows by dual weights on the standardised training rows."""
        return self.kernel.weights(duals) @ self.standard_unseen.T + intercept


@runtime_checkable
class Batched(Protocol):
    """A probe that fits many label sets on one design at once, for several strengths."""

    knob: str | None  # the parameter that regularises
    strengths: tuple[float | None, ...]  # from strong to weak regularisation; None without a knob

    def held_out(
        self, design: Design, labels: Labels, strengths: Sequence[Any]
    ) -> Iterator[ReadOuts]:
        """Read-outs of the unseen rows, for each strength."""
        ...


def read_outs(
    probe: Any, design: Design, labels: Labels, strengths: Sequence[Any]
) -> Iterator[ReadOuts]:
    """Read-outs of the unseen rows for each strength, batched if the probe can do it."""
    if isinstance(probe, Batched):
        return probe.held_out(design, labels, strengths)
    return one_by_one(probe, design, labels)


def one_by_one(probe: Any, design: Design, labels: Labels) -> Iterator[ReadOuts]:
    """Any classifier with `decision_function` or `predict_proba`, fitted once for each label set."""
    X, unseen = design.rows.cpu().numpy(), design.unseen.cpu().numpy()
    grouped = {"groups": design.groups} if "groups" in signature(probe.fit).parameters else {}
    found = np.empty((len(labels), len(unseen)), np.float32)
    for number, y in enumerate(labels.cpu().numpy() > 0):
        fitted = clone(probe).fit(X, y, **grouped)
        if hasattr(fitted, "decision_function"):
            found[number] = fitted.decision_function(unseen)
        else:
            found[number] = fitted.predict_proba(unseen)[:, 1]
    yield torch.from_numpy(found).to(labels)
