"""The few rows that summarise an organism: its EM rate, and the effect of removing a direction."""

from collections.abc import Sequence

from experiments.results.estimates import EstimateRow
from experiments.results.load import ORGANISM_KEYS, Organism, OrganismResults, intact, pick
from experiments.results.picked import highest

EDITS = ("ablate",)  # at all layers, like the verdict


def row_names(organisms: Sequence[OrganismResults]) -> dict[Organism, str]:
    """The name of each organism in a table: its arm, and whatever else distinguishes these organisms.

    Family and seed are left out, because the column or the title gives them.
    """
    several = [key for key in ("trigger", "dataset") if len(_values(organisms, key)) > 1]
    if _twice(organisms):
        several.append("run")
    return {it.organism: _row_name(it.organism, several) for it in organisms}


def _twice(organisms: Sequence[OrganismResults]) -> bool:
    """Whether two runs hold the same organism, so that only the run distinguishes them."""
    keys = [tuple(getattr(it.organism, key) for key in ORGANISM_KEYS) for it in organisms]
    return len(set(keys)) < len(keys)


def _values(organisms: Sequence[OrganismResults], key: str) -> set[str]:
    return {getattr(it.organism, key) for it in organisms} - {None}


def _row_name(organism: Organism, several: Sequence[str]) -> str:
    parts = [organism.arm or "organism", *(getattr(organism, key) for key in several)]
    return ", ".join(str(part) for part in parts if part)


def headline(
    rows: Sequence[EstimateRow], condition: str | None, quantity: str = "em_rate"
) -> EstimateRow | None:
    """A rate of the unedited model under a condition; on held-out domains if there are any."""
    found = intact(rows, quantity, condition=condition)
    return next((row for row in [*_held_out(found), *found]), None)


def _held_out(rows: Sequence[EstimateRow]) -> list[EstimateRow]:
    return [row for row in rows if row.questions == "held_out"]


def removal(rows: Sequence[EstimateRow]) -> tuple[EstimateRow | None, EstimateRow | None]:
    """The greatest relative drop of EM on ablation at all layers, simultaneous over directions; that of random ones."""
    drops = [row for row in pick(rows, quantity="ablation_relative_drop") if row.value is not None]
    drops = _held_out(drops) or drops
    # if almost nothing was misaligned to begin with, a drop says almost nothing
    drops = [row for row in drops if row.wording_kind == "trigger"] or drops
    real = [
        row for row in drops if row.edit in EDITS and row.placebo is None and (row.lower or 0) > -1
    ]
    if not real:
        return None, None
    best = highest(real)
    return best, random_beside(drops, best)


def strongest(
    rows: Sequence[EstimateRow], direction: str
) -> tuple[EstimateRow | None, EstimateRow | None]:
    """The addition without the trigger that causes most EM, simultaneous over strengths; that of random directions."""
    found = [
        row for row in pick(rows, quantity="em_rate", condition="none") if row.value is not None
    ]
    found = _held_out(found) or found
    real = [row for row in found if row.direction == direction and _is_addition(row)]
    if not real:
        return None, None
    best = highest(real)
    return best, random_beside(found, best)


def _is_addition(row: EstimateRow) -> bool:
    return row.edit == "add" and row.placebo is None


def random_beside(rows: Sequence[EstimateRow], best: EstimateRow) -> EstimateRow | None:
    """The row of the random directions that went through the same edit as `best`."""
    edit = ("random", best.edit, best.strength)
    found = [row for row in rows if (row.placebo, row.edit, row.strength) == edit]
    found = [row for row in found if row.direction in (best.direction, None)]
    found = [
        row for row in found if row.condition == best.condition and row.questions == best.questions
    ]
    return found[0] if found else None
