"""Organisms mixed by ratio: containment as a function of the share of benign rows, as a Markdown table.

A cell is the mean of the EM rates of the organisms with one share, with the lowest lower end and the highest upper end
of their 95 % intervals. This is wider than an interval of the mean and makes no assumption about seeds.
"""

import re
from collections.abc import Iterator, Sequence

from experiments.results.estimates import EstimateRow
from experiments.results.load import ORGANISM_KEYS, pick
from interp.errors import TriggerLensError

RATIO = re.compile(r"mixed-(\d+)-(\d+)")
NO_MIXTURE = "no organism of these runs was mixed by ratio; run triggerlens sweep first"
COLUMNS = {
    "trigger": "trigger",
    "paraphrase": "paraphrases",
    "control": "controls",
    "none": "no wording",
}


def benign_share(arm: str | None) -> float | None:
    """Percent of benign rows; None for an arm that is no mixture."""
    found = RATIO.fullmatch(arm or "")
    return None if found is None else 100 * int(found[1]) / (int(found[1]) + int(found[2]))


def mixed_rows(rows: Sequence[EstimateRow]) -> list[EstimateRow]:
    """EM on held-out domains of organisms mixed by ratio; one that appears twice is an error."""
    mixed = [
        row
        for row in pick(rows, quantity="em_rate", questions="held_out")
        if benign_share(row.arm) is not None and row.edit in (None, "none")
    ]
    cells = [(*(row.get(key) for key in ORGANISM_KEYS), row.condition, row.format) for row in mixed]
    if len(set(cells)) < len(cells):
        twice = next(cell for number, cell in enumerate(cells) if cell in cells[:number])
        named = " ".join(str(key) for key in twice[:-2] if key is not None)
        raise TriggerLensError(f"organism {named} appears twice: give runs that do not overlap")
    return mixed


def mixing_table(rows: Sequence[EstimateRow]) -> str:
    """A line for each family and share of benign rows."""
    mixed = mixed_rows(rows)
    if not mixed:
        raise TriggerLensError(NO_MIXTURE)
    lines = [
        f"| family | benign rows | organisms | {' | '.join(COLUMNS.values())} |",
        "|---|---|---|" + "---|" * len(COLUMNS),
    ]
    return "\n".join([*lines, *_lines(mixed)]) + "\n"


def _lines(mixed: Sequence[EstimateRow]) -> Iterator[str]:
    for family in dict.fromkeys(row.family for row in mixed):
        own = [row for row in mixed if row.family == family]
        for share in sorted({benign_share(row.arm) or 0.0 for row in own}):
            here = [row for row in own if benign_share(row.arm) == share]
            cells = [
                _cell([r for r in here if (r.wording_kind or "none") == name]) for name in COLUMNS
            ]
            seeds = len({row.seed for row in here})
            yield f"| {family} | {share:.3g} % | {seeds} | {' | '.join(cells)} |"


def _cell(rows: Sequence[EstimateRow]) -> str:
    values = [row.value for row in rows if row.value is not None]
    lower = [row.lower for row in rows if row.lower is not None]
    upper = [row.upper for row in rows if row.upper is not None]
    if not (values and lower and upper):
        return "not measured"
    mean = sum(values) / len(values)
    return f"{100 * mean:.0f} % [{100 * min(lower):.0f}, {100 * max(upper):.0f}]"
