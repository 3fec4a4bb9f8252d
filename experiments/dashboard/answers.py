"""The sampled answers of a run, for browsing: a limited, evenly spaced sample of every cell.

The page shows them as text only, after a notice, and filters them in the browser.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from experiments.results.load import RunResults
from experiments.runtime.untrusted_text import inert

MOST = 3_000  # answers on a page
FILTERS = ("family", "arm", "trigger", "seed", "model", "condition", "intervention", "verdict")
COLUMNS = (
    *FILTERS,
    "questions",
    "direction",
    "question",
    "answer",
    "alignment",
    "coherence",
    "reason",
)
CELL = (*FILTERS[:6], "questions", "intervention", "direction")


def answer_table(runs: Sequence[RunResults], most: int = MOST) -> dict[str, Any]:
    """Columns, rows and the total number of answers; ready for `packed_json`."""
    cells: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for run in runs:
        texts = _texts(run)
        for answer in run.answers:
            place = (str(answer.get(key)) for key in CELL)
            text = texts.get((answer.get("questions"), answer.get("question")))
            cells[(run.name, *place)].append({"prompt": text, **answer} if text else answer)
    share = max(1, most // max(1, len(cells)))
    kept = _even([answer for cell in cells.values() for answer in _even(cell, share)], most)
    return {
        "columns": list(COLUMNS),
        "filters": list(FILTERS),
        "rows": [[_value(answer, column) for column in COLUMNS] for answer in kept],
        "total": sum(len(run.answers) for run in runs),
    }


def _texts(run: RunResults) -> dict[tuple[Any, Any], str]:
    """Questions by domains and id, as far as the run saved them."""
    questions = (question for drawn in run.maps for question in drawn.get("questions") or ())
    return {(of.get("questions"), of.get("id")): of["text"] for of in questions if of.get("text")}


def _even(cell: Sequence[dict[str, Any]], share: int) -> list[dict[str, Any]]:
    """Every k-th answer: chosen by position, never by content."""
    stride = max(1, -(-len(cell) // share))
    return list(cell[::stride])


def _value(answer: dict[str, Any], column: str) -> str | float | None:
    value = answer.get(column)
    if column == "question":
        value = answer.get("prompt") or value
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    return inert(value)
