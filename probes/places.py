"""The inputs of a sweep: one matrix of rows for each position and layer, checked before anything is fitted."""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from interp.activations import Activations
from interp.errors import TriggerLensError
from probes.arrays import as_array
from probes.checks import check_finite, two_classes
from probes.groups import group_codes
from probes.standardise import standard


@dataclass(frozen=True, eq=False)
class Place:
    """Rows at one layer and position; `layer` is None if the rows came without one."""

    position: str | None
    layer: int | None
    rows: Float[Tensor, "row d_model"]

    def __str__(self) -> str:
        layer = "" if self.layer is None else f"layer {self.layer}"
        return ", ".join(filter(None, [layer, self.position])) or "the rows"


@dataclass(frozen=True, eq=False)
class Problem:
    """Places, which rows are of the second class, and the question of each row by number."""

    places: tuple[Place, ...]
    y: Bool[np.ndarray, " row"]
    codes: Int[np.ndarray, " row"]
    classes: tuple[Any, Any]


def pose(
    activations: Any, labels: Any, groups: Iterable[Hashable] | None, grouped: bool
) -> Problem:
    """Check and align the inputs of a sweep; see `probes.sweeping.sweep`."""
    places = tuple(_places(activations))
    if not places:
        raise TriggerLensError("no activations were given: a mapping needs at least one position")
    rows = len(places[0].rows)
    for place in places:
        _check(place, rows)
    classes, y = two_classes(as_array(labels), rows)
    groups = _questions(activations) if groups is None else groups
    if groups is None and grouped:
        raise TriggerLensError(
            "groups= is missing: give the question of each row, or ask for grouped=False"
        )
    codes = np.arange(rows) if groups is None else group_codes(groups)[0]
    if len(codes) != rows:
        raise TriggerLensError(f"{len(codes)} groups but {rows} rows: give each row its question")
    return Problem(places, y, codes, tuple(classes.tolist()))


def _places(activations: Any) -> Iterable[Place]:
    match activations:
        case Activations():
            for layer in activations.layers:
                yield Place(activations.position, layer, activations.at(layer))
        case Mapping():
            for position, each in activations.items():
                for place in _places(each):
                    yield Place(str(position), place.layer, place.rows)
        case _:
            values = torch.as_tensor(np.asarray(as_array(activations)))
            if values.ndim not in (2, 3):
                shape = tuple(values.shape)
                raise TriggerLensError(
                    f"activations {shape}: give [row, d_model] or [row, layer, d_model]"
                )
            for layer in range(values.shape[1] if values.ndim == 3 else 1):
                flat = values.ndim == 2
                yield Place(None, None if flat else layer, values if flat else values[:, layer])


def _questions(activations: Any) -> tuple[str, ...] | None:
    match activations:
        case Activations():
            return activations.questions
        case Mapping():
            return _questions(next(iter(activations.values()), None))
    return None


def _check(place: Place, rows: int) -> None:
    if rows == 0:
        raise TriggerLensError(f"{place}: there are no rows; give at least one")
    if len(place.rows) != rows:
        raise TriggerLensError(
            f"{place} has {len(place.rows)} rows, but the first place has {rows}: give the same rows"
        )
    check_finite(as_array(place.rows), str(place))
    if not bool(standard(place.rows.float()).scale.any()):
        count = place.rows.shape[1]
        raise TriggerLensError(
            f"{place}: all {count} features are constant over {rows} rows; nothing can be read"
        )
