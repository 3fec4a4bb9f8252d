"""What a run found, in a few lines for the terminal: the page's own answer, and what was not measured.

It computes nothing: the first sentences are those of the dashboard's first screen.
"""

import html
import re
from collections.abc import Iterator, Sequence

from experiments.dashboard.verdicts import answer
from experiments.results.format import spread
from experiments.results.highlights import headline
from experiments.results.load import OrganismResults, pick

UNMEASURED = (
    "not measured"  # how the method of a row begins that has no number for want of a package
)


def answer_lines(organisms: Sequence[OrganismResults]) -> list[str]:
    """How many are contained and their EM, whether removing a direction ends it, and what was not measured."""
    plain = html.unescape(re.sub(r"<[^>]+>", "", answer(organisms)))
    contained, removed = re.split(r"(?<=\.) ", plain, maxsplit=1)
    return [contained, *_rates(organisms), removed, *_unmeasured(organisms)]


def _rates(organisms: Sequence[OrganismResults]) -> Iterator[str]:
    contained = [it for it in organisms if it.verdict and it.verdict.get("contained") == "yes"]
    rows = {
        condition: [row for it in contained if (row := headline(it.rows, condition)) is not None]
        for condition in ("trigger", "none")
    }
    if rows["trigger"] and rows["none"]:
        yield (
            f"Their misaligned answers (EM): {spread(rows['trigger'])} with the trigger,"
            f" {spread(rows['none'])} without."
        )


def _unmeasured(organisms: Sequence[OrganismResults]) -> list[str]:
    """One line for each quantity that lacks a package."""
    rows = [row for it in organisms for row in pick(it.rows) if row.value is None]
    lines = [
        f"{row.quantity} ({row.get('measure')}): {row.method}"
        for row in rows
        if row.method.startswith(UNMEASURED)
    ]
    return list(dict.fromkeys(lines))
