"""What a probe's AUROC is worth: read-outs that should fail, and one that cheats.

* `shuffled_labels_auroc`: the same probe on labels that mean nothing.
* `random_directions_auroc`: no probe at all, each direction turned the way that helps it.
* `prompt_identity_auroc`: no activations at all, only which prompt it is: where answers to one
  prompt behave alike, a probe on the prompt must be read against this.
* `memorised_auroc` and `selectivity` (Hewitt and Liang 1909.03368): labels drawn once per question,
  rows split at random; a probe that learns those is strong enough to learn anything.

Intervals of the repeated ones are quantiles over the repeats: where a null result falls, not how
sure its mean is.
"""

from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np
from jaxtyping import Float

from probes.auroc import clustered_auroc, plain_auroc
from probes.base import Probe, as_array
from probes.cells import checked
from probes.crossval import grouped_auroc, held_out_auroc
from probes.estimate import LEVEL, Estimate, undefined
from probes.groups import group_codes
from probes.intervals import mover_sum
from probes.names import MEMORISED, RANDOM, SHUFFLED


def shuffled_labels_auroc(
    probe: Probe,
    X: Any,
    y: Any,
    groups: Iterable[Hashable],
    *,
    repeats: int = 10,
    folds: int = 5,
    seed: int = 0,
) -> Estimate:
    """The probe on permuted labels; chance, unless the evaluation leaks."""
    generator = np.random.default_rng(seed)
    X, y = np.asarray(as_array(X)), np.asarray(as_array(y)).astype(bool)
    codes, _ = group_codes(groups)
    found = [
        held_out_auroc(probe, X, generator.permutation(y), codes, folds=folds, seed=seed + number)
        for number in range(repeats)
    ]
    return null_quantiles(found, len(y), SHUFFLED)


def random_directions_auroc(
    X: Any,
    y: Any,
    groups: Iterable[Hashable],
    *,
    vectors: Any = None,
    n: int = 20,
    seed: int = 0,
) -> Estimate:
    """Projections on random directions (or `vectors` [n, d_model]); 0.5 is chance, never below."""
    X, y = np.asarray(as_array(X), float), np.asarray(as_array(y)).astype(bool)
    if vectors is None:
        vectors = np.random.default_rng(seed).normal(size=(n, X.shape[1]))
    checked(y, groups)
    found = [plain_auroc(X @ vector, y) for vector in np.asarray(as_array(vectors), float)]
    turned = [None if value is None else max(value, 1 - value) for value in found]
    return null_quantiles(turned, len(y), RANDOM)


def prompt_identity_auroc(
    y: Any, prompts: Iterable[Hashable], questions: Iterable[Hashable], *, seed: int = 0
) -> Estimate:
    """How well `prompt_identity_scores` rank."""
    return clustered_auroc(prompt_identity_scores(y, prompts, seed=seed), y, questions)


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


def memorised_auroc(
    probe: Probe,
    X: Any,
    groups: Iterable[Hashable],
    *,
    repeats: int = 5,
    folds: int = 5,
    seed: int = 0,
) -> Estimate:
    """Labels drawn per question, rows (not questions) held out: what can be learned by heart."""
    generator = np.random.default_rng(seed)
    codes, names = group_codes(groups)
    X, rows = np.asarray(as_array(X)), np.arange(len(codes))
    found = []
    for number in range(repeats):
        # half of the questions exactly, so that no draw is all of one class
        drawn = generator.permutation(np.arange(len(names)) % 2 == 0)[codes]
        found.append(held_out_auroc(probe, X, drawn, rows, folds=folds, seed=seed + number))
    return null_quantiles(found, len(codes), MEMORISED)


def selectivity(
    probe: Probe, X: Any, y: Any, groups: Iterable[Hashable], *, folds: int = 5, seed: int = 0
) -> Estimate:
    """Grouped AUROC minus what is learned by heart: high = it reads a feature, not prompts."""
    codes, _ = group_codes(groups)
    real = grouped_auroc(probe, X, y, codes, folds=folds, seed=seed)
    control = memorised_auroc(probe, X, codes, folds=folds, seed=seed)
    if None in (real.value, control.value):
        return undefined("an AUROC is undefined", LEVEL, real.n)
    parts = [(it.value, (it.lower, it.upper), sign) for it, sign in ((real, 1), (control, -1))]
    lower, upper = mover_sum(parts)  # type: ignore[arg-type]
    value = float(real.value) - float(control.value)  # type: ignore[arg-type]
    return Estimate(value, lower, upper, real.level, real.n, "AUROC minus control task, MOVER")


def null_quantiles(values: list[float | None], n: int, what: str) -> Estimate:
    """Where a null result falls: mean of repeated AUROCs, and the quantiles that hold the level."""
    known: Float[np.ndarray, " repeat"] = np.array([v for v in values if v is not None], float)
    if len(known) == 0:
        return undefined("no pair of a positive and a negative row", LEVEL, n)
    tail = (1 - LEVEL) / 2
    lower, upper = np.quantile(known, [tail, 1 - tail])
    value, method = float(known.mean()), f"AUROC, {what}: mean and quantiles of {len(known)}"
    return Estimate(value, min(float(lower), value), max(float(upper), value), LEVEL, n, method)
