"""Controls for a probe's AUROC: read-outs that should fail, and one that cheats. `probes.sweep` puts them in its rows.

* `random_directions_auroc`: no probe at all; each direction gets the sign that helps it.
* `prompt_identity_scores`: no activations at all, only which prompt it is: if answers to one prompt behave alike, a
  probe on the prompt must be compared with this.
* `null_quantiles`: a summary of repeated null results (shuffled labels, memorised labels). The interval says where a
  null result falls, not how certain its mean is.
"""

from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np
from jaxtyping import Float

from probes.arrays import as_array
from probes.auroc import plain_auroc
from probes.cells import checked
from probes.estimate import LEVEL, Estimate, undefined
from probes.groups import group_codes
from probes.names import RANDOM


def random_directions_auroc(
    X: Any,
    y: Any,
    groups: Iterable[Hashable],
    *,
    vectors: Any = None,
    n: int = 20,
    seed: int = 0,
) -> Estimate:
    """AUROC of projections on random directions (or `vectors` [n, d_model]); 0.5 is chance, and none is below."""
    X, y = np.asarray(as_array(X), float), np.asarray(as_array(y)).astype(bool)
    if vectors is None:
        vectors = np.random.default_rng(seed).normal(size=(n, X.shape[1]))
    checked(y, groups)
    found = [plain_auroc(X @ vector, y) for vector in np.asarray(as_array(vectors), float)]
    turned = [None if value is None else max(value, 1 - value) for value in found]
    return null_quantiles(turned, len(y), RANDOM)


def prompt_identity_scores(
    y: Any, prompts: Iterable[Hashable], *, seed: int = 0
) -> Float[np.ndarray, " row"]:
    """Score half of a prompt's answers by how often its other half has the label."""
    y = np.asarray(as_array(y)).astype(bool)
    codes, names = group_codes(prompts)
    half = np.zeros(len(y), bool)
    generator = np.random.default_rng(seed)
    for code in range(len(names)):
        rows = generator.permutation(np.flatnonzero(codes == code))
        half[rows[: len(rows) // 2]] = True
    scores = np.full(len(y), y.mean())
    for mine in (half, ~half):
        counts = np.bincount(codes[~mine], minlength=len(names))
        sums = np.bincount(codes[~mine], y[~mine], minlength=len(names))
        known = mine & (counts[codes] > 0)
        scores[known] = sums[codes[known]] / counts[codes[known]]
    return scores


def null_quantiles(values: list[float | None], n: int, what: str) -> Estimate:
    """Where a null result falls: mean of repeated AUROCs, and the quantiles that hold the level."""
    known: Float[np.ndarray, " repeat"] = np.array([v for v in values if v is not None], float)
    if len(known) == 0:
        return undefined("no pair of a positive and a negative row", LEVEL, n)
    tail = (1 - LEVEL) / 2
    lower, upper = np.quantile(known, [tail, 1 - tail])
    value, method = float(known.mean()), f"AUROC, {what}: mean and quantiles of {len(known)}"
    return Estimate(value, min(float(lower), value), max(float(upper), value), LEVEL, n, method)
