"""Turn the read-outs of a sweep into tidy rows: one estimate each, for probes and controls."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from probes.auroc import auroc_difference, clustered_auroc
from probes.calibration import calibration_error, probabilities
from probes.choice import Cell, Choice
from probes.controls import null_quantiles, random_directions_auroc
from probes.estimate import LEVEL, Estimate, rate
from probes.intervals import mover_sum
from probes.names import IDENTITY, MEMORISED, RANDOM, SHUFFLED, SURFACE
from probes.places import Place, Problem
from probes.splits import Folds
from probes.standardise import standard

ANY = "best of all"  # the choice among all probes and places


@dataclass(frozen=True)
class SweepRow:
    """One number of a sweep. kind: probe, choice (layer and strength chosen inside), control or comparison."""

    kind: str
    read_out: str
    position: str | None
    layer: int | None
    strength: float | None  # the one that most folds chose
    metric: str
    estimate: Estimate
    split: str  # what was held out


@dataclass(frozen=True, eq=False)
class Evidence:
    """Everything that the rows and the report are computed from."""

    problem: Problem
    folds: Folds
    cells: tuple[Cell, ...]
    choices: Mapping[str, Choice]
    best: Choice
    memorised: Mapping[tuple[str, str], list[float]]
    identity: Float[np.ndarray, " row"] | None
    surface: Float[np.ndarray, " row"] | None
    controls: bool
    seed: int
    resamples: int

    @property
    def drawn(self) -> dict[str, Any]:
        """How intervals resample."""
        return {"seed": self.seed, "resamples": self.resamples}


def tabulate(found: Evidence) -> Iterator[SweepRow]:
    """All rows: probes by place, then choices, controls and comparisons."""
    for cell in found.cells:
        scores = cell.chosen.scores[0]
        p = probabilities(scores, cell.chosen.inner_scores, found.problem.y, found.folds)
        auroc = _auroc(found, scores)
        for metric, estimate in (("auroc", auroc), *_thresholded(found, p)):
            yield _at(cell, "probe", cell.probe, metric, estimate, found.folds.how)
        yield from _null_rows(found, cell, auroc)
    if found.controls:
        for position in {
            (cell.place.position, cell.place.layer): cell.place for cell in found.cells
        }.values():
            yield _random(found, position)
    for name, choice in (*found.choices.items(), (ANY, found.best)):
        yield from _choice_rows(found, name, choice)
    yield from _ceilings(found)


def _null_rows(found: Evidence, cell: Cell, auroc: Estimate) -> Iterator[SweepRow]:
    if not found.controls:
        return
    n, how, name = len(found.problem.y), found.folds.how, cell.probe
    if cell.chosen.nulls:
        null = null_quantiles(list(cell.chosen.nulls), n, SHUFFLED)
        yield _at(cell, "control", f"{name}, {SHUFFLED}", "auroc", null, how)
    learned = null_quantiles(list(found.memorised[str(cell.place), name]), n, MEMORISED)
    if learned.value is None or auroc.value is None:
        return
    yield _at(cell, "control", f"{name}, {MEMORISED}", "auroc", learned, "rows at random")
    yield _at(cell, "control", name, "selectivity", _minus(auroc, learned), how)


def _minus(auroc: Estimate, learned: Estimate) -> Estimate:
    parts = [
        (float(it.value or 0), (float(it.lower or 0), float(it.upper or 0)), sign)
        for it, sign in ((auroc, 1), (learned, -1))
    ]
    lower, upper = mover_sum(parts)
    method = "AUROC minus control task, MOVER"
    return Estimate(parts[0][0] - parts[1][0], lower, upper, LEVEL, auroc.n, method)


def _at(
    cell: Cell, kind: str, read_out: str, metric: str, estimate: Estimate, split: str
) -> SweepRow:
    place = cell.place
    return SweepRow(
        kind, read_out, place.position, place.layer, cell.strength, metric, estimate, split
    )


def _choice_rows(found: Evidence, name: str, choice: Choice) -> Iterator[SweepRow]:
    cell, how = choice.cell, found.folds.how
    auroc = _auroc(found, choice.scores)
    for metric, estimate in (("auroc", auroc), *_thresholded(found, choice.probability)):
        yield _at(cell, "choice", name, metric, estimate, how)
    if choice.nulls:
        null = null_quantiles(list(choice.nulls), len(found.problem.y), SHUFFLED)
        yield _at(cell, "control", f"{name}, {SHUFFLED}", "auroc", null, how)
    known = np.isfinite(choice.scores)
    for control, scores, of_row in (
        (SURFACE, found.surface, found.folds.of_row),
        (IDENTITY, found.identity, None),
    ):
        if scores is None:
            continue
        gap = auroc_difference(
            choice.scores[known],
            scores[known],
            found.problem.y[known],
            found.problem.codes[known],
            folds_a=found.folds.of_row[known],
            folds_b=None if of_row is None else of_row[known],
        )
        yield _at(cell, "comparison", name, f"auroc minus {control}", gap, how)


def _ceilings(found: Evidence) -> Iterator[SweepRow]:
    y, codes = found.problem.y, found.problem.codes
    nowhere = (None, None, None)
    larger = y if y.mean() >= 0.5 else ~y
    majority = rate(larger, codes, **found.drawn)
    yield SweepRow("control", "larger class", *nowhere, "accuracy", majority, "no fit")
    if found.identity is not None:
        ceiling = clustered_auroc(found.identity, y, codes)
        yield SweepRow("control", IDENTITY, *nowhere, "auroc", ceiling, "halves of each prompt")
    if found.surface is not None:
        yield SweepRow(
            "control", SURFACE, *nowhere, "auroc", _auroc(found, found.surface), found.folds.how
        )


def _random(found: Evidence, place: Place) -> SweepRow:
    rows = standard(place.rows.float())(place.rows.float()).cpu().numpy()
    value = random_directions_auroc(rows, found.problem.y, found.problem.codes, seed=found.seed)
    return SweepRow("control", RANDOM, place.position, place.layer, None, "auroc", value, "no fit")


def _auroc(found: Evidence, scores: Float[np.ndarray, " row"]) -> Estimate:
    known = np.isfinite(scores)
    y, codes, folds = found.problem.y[known], found.problem.codes[known], found.folds.of_row[known]
    return clustered_auroc(scores[known], y, codes, folds=folds)


def _thresholded(found: Evidence, p: Float[np.ndarray, " row"]) -> tuple[tuple[str, Estimate], ...]:
    known = np.isfinite(p)
    y, codes = found.problem.y[known], found.problem.codes[known]
    return (
        ("accuracy", rate((p[known] > 0.5) == y, codes, **found.drawn)),
        ("calibration error", calibration_error(p[known], y, codes, **found.drawn)),
    )
