"""Held-out read-outs of one layer for every strength and label set, and a choice of strength without test rows.

Method:
1. `read_layer`: outer read-outs leave out one fold; inner ones leave out a pair (`probes.splits`). What probes share
   on a training set is computed once (`probes.design`), for all label sets and strengths together.
2. `choose`: for each fold and label set the strength with the best inner AUROC; on a tie the stronger regularisation.

A label set with only one class in some training rows is not fitted there; its read-outs are NaN.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy.stats import rankdata
from torch import Tensor

from interp.errors import TriggerLensError
from probes.design import Batched, Design, read_outs
from probes.splits import Codes, Folds

Sets = Bool[np.ndarray, "fit row"]


@dataclass(frozen=True)
class Reads:
    """One probe at one place; `inner[k]` are rows outside fold k, read by a probe that saw neither k nor their fold."""

    strengths: tuple[Any, ...]
    outer: Float[np.ndarray, "strength fit row"]
    inner: Float[np.ndarray, "fold strength fit row"] | None


@dataclass(frozen=True)
class Chosen:
    """The read-outs once each fold has chosen its strength by the other folds."""

    scores: Float[np.ndarray, "fit row"]  # held out
    inner_auroc: Float[np.ndarray, "fold fit"]  # what the choice was based on
    strength: Int[np.ndarray, "fold fit"]
    inner_scores: Float[np.ndarray, "fold row"]  # of the first label set, at its chosen strength
    nulls: tuple[float, ...]  # held-out AUROC of the other label sets


def strengths_of(probe: Any) -> tuple[Any, ...]:
    """The strengths a sweep tries; a single one (None) for a probe without a knob."""
    return tuple(probe.strengths) if isinstance(probe, Batched) else (None,)


def read_layer(
    probes: Mapping[str, Any],
    rows: Float[Tensor, "row d_model"],
    sets: Sets,
    codes: Codes,
    folds: Folds,
    *,
    nested: bool = True,
    strengths: Mapping[str, Sequence[Any]] | None = None,
) -> dict[str, Reads]:
    """Every probe, strength and label set on one layer."""
    grid = {
        name: tuple((strengths or {}).get(name) or strengths_of(p)) for name, p in probes.items()
    }
    shape = {name: (len(grid[name]), *sets.shape) for name in probes}
    outer = {name: np.full(shape[name], np.nan, np.float32) for name in probes}
    inner = {n: np.full((folds.count, *shape[n]), np.nan, np.float32) for n in probes if nested}
    for left_out in folds.left_out(nested=nested):
        train = folds.training(left_out)
        design = Design(rows, train, codes)
        held = np.flatnonzero(~train)
        fitted = np.flatnonzero(sets[:, train].any(axis=1) & ~sets[:, train].all(axis=1))
        labels = torch.from_numpy(sets[fitted][:, train]).to(rows)
        for name, probe in probes.items():
            for number, read in enumerate(read_outs(probe, design, labels, grid[name])):
                values = read.cpu().numpy()
                if len(left_out) == 1:
                    outer[name][number][np.ix_(fitted, held)] = values
                    continue
                for chosen_for, scored in (left_out, left_out[::-1]):
                    mine = folds.of_row[held] == scored
                    place = inner[name][chosen_for, number]
                    place[np.ix_(fitted, held[mine])] = values[:, mine]
    return {name: Reads(grid[name], outer[name], inner.get(name)) for name in probes}


def choose(reads: Reads, sets: Sets, folds: Folds) -> Chosen:
    """Choose each fold's strength by the other folds, for every label set."""
    fits, rows = sets.shape
    if reads.inner is None:
        raise TriggerLensError("these read-outs have no inner folds: read them with nested=True")
    scores = np.full((fits, rows), np.nan, np.float32)
    inner_scores = np.full((folds.count, rows), np.nan, np.float32)
    best, strength = np.full((folds.count, fits), np.nan), np.zeros((folds.count, fits), int)
    for fold in range(folds.count):
        found = np.stack([fold_auroc(each, sets, folds) for each in reads.inner[fold]])
        chosen = np.nan_to_num(found, nan=-1.0).argmax(axis=0)
        strength[fold], best[fold] = chosen, found[chosen, np.arange(fits)]
        mine = folds.of_row == fold
        scores[:, mine] = reads.outer[chosen, np.arange(fits)][:, mine]
        inner_scores[fold] = reads.inner[fold, chosen[0], 0]
    aurocs = fold_auroc(scores[1:], sets[1:], folds)
    return Chosen(scores, best, strength, inner_scores, tuple(aurocs[np.isfinite(aurocs)].tolist()))


def fold_auroc(
    scores: Float[np.ndarray, "fit row"], sets: Sets, folds: Folds
) -> Float[np.ndarray, " fit"]:
    """AUROC within folds of many read-outs at once, with ties as halves; a fold without scores is left out."""
    right, pairs = np.zeros((2, len(scores)))
    for fold in range(folds.count):
        mine = folds.of_row == fold
        here, y = scores[:, mine], sets[:, mine]
        positive, negative = y.sum(axis=1), (~y).sum(axis=1)
        met = np.where(np.isnan(here).any(axis=1), 0, positive * negative)
        ranks = (rankdata(here, axis=1) * y).sum(axis=1) - positive * (positive + 1) / 2
        right += np.where(met > 0, ranks, 0)
        pairs += met
    with np.errstate(invalid="ignore", divide="ignore"):
        return right / pairs
