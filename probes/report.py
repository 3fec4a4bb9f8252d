"""A sweep in words: what was held out, how good the choice is, and whether anything simpler does as well."""

from collections.abc import Iterator, Sequence

from probes.estimate import Estimate
from probes.names import IDENTITY, MEMORISED, SURFACE
from probes.sweep_rows import ANY, Evidence, SweepRow


def sentences(found: Evidence, rows: Sequence[SweepRow]) -> Iterator[str]:
    """One line for each finding."""
    problem, (first, second) = found.problem, found.problem.classes
    n, questions = len(problem.y), len(set(problem.codes.tolist()))
    yield (
        f"{n} rows of {questions} questions, {int(problem.y.sum())} of class {second}; read-outs point from {first} "
        f"to {second}. Split: {found.folds.how}."
    )
    cell = found.best.cell
    strength = "" if cell.strength is None else f", strength {cell.strength:g}"
    yield (
        f"Best probe, chosen inside the training folds: {cell.probe} at {cell.place}{strength} "
        f"({found.best.agreed} of {found.folds.count} folds agree). AUROC {_of(rows, 'auroc')}, "
        f"accuracy {_of(rows, 'accuracy')}, calibration error {_of(rows, 'calibration error')}."
    )
    if not found.controls:
        yield "Controls were switched off: nothing here says what these numbers are worth."
        return
    yield from _shuffled(found)
    names = (*found.choices, ANY) if len(found.choices) > 1 else (ANY,)
    for control in (SURFACE, IDENTITY):
        ceiling = _find(rows, control, "auroc", "control")
        if ceiling is None or ceiling.value is None:
            continue
        if control == IDENTITY and ceiling.value <= 0.5:  # the halves of a prompt disagree
            yield f"Which prompt it is says nothing about the label ({control}: {ceiling})."
            continue
        for name in names:
            yield from _held_against(rows, name, control, ceiling)
    if found.surface is None:
        yield "No surface features were handed in: whether tokens and length alone do as well is not known."
    yield from _selectivity(found, rows)


def _shuffled(found: Evidence) -> Iterator[str]:
    nulls, value = found.best.nulls, found.best.auroc
    if not nulls:
        yield "Labels were not shuffled: whether this is better than chance is not known."
        return
    reached = sum(null >= value for null in nulls)
    p = (1 + reached) / (1 + len(nulls))
    words = "better than chance" if p <= 0.05 else "NO BETTER THAN CHANCE"
    if reached == 0 and p > 0.05:
        words = "too few draws to say more: 19 are the fewest that could"
    yield (
        f"Shuffled labels through the same choice reach {value:.3f} in {reached} of {len(nulls)} draws "
        f"(p = {p:.3f}; {words})."
    )


def _held_against(
    rows: Sequence[SweepRow], name: str, control: str, ceiling: Estimate
) -> Iterator[str]:
    gap = _find(rows, name, f"auroc minus {control}", "comparison")
    if gap is None or gap.lower is None or gap.upper is None:
        return
    verb = "is better than" if gap.lower > 0 else "is NO BETTER THAN"
    if gap.upper < 0:
        verb = "is WORSE THAN"
    yield f"{name} {verb} {control} alone ({ceiling}): difference {gap}."


def _selectivity(found: Evidence, rows: Sequence[SweepRow]) -> Iterator[str]:
    cell = found.best.cell
    for row in rows:
        here = (row.read_out, row.position, row.layer)
        if row.metric == "selectivity" and here == (
            cell.probe,
            cell.place.position,
            cell.place.layer,
        ):
            low = row.estimate.lower is not None and row.estimate.lower <= 0
            words = (
                "it learns prompts by heart as well as it reads the label"
                if low
                else "it reads more than prompts"
            )
            yield f"Selectivity of {cell.probe} there (AUROC minus {MEMORISED}): {row.estimate}; {words}."


def _of(rows: Sequence[SweepRow], metric: str) -> Estimate | None:
    return _find(rows, ANY, metric, "choice")


def _find(rows: Sequence[SweepRow], name: str, metric: str, kind: str) -> Estimate | None:
    wanted = (kind, name, metric)
    return next(
        (row.estimate for row in rows if (row.kind, row.read_out, row.metric) == wanted), None
    )
