"""The rows behind the figures, for download: all report rows of all runs, by line number.

The browser makes a CSV file of them; each mark in a figure has the line number of its row.
"""

from collections.abc import Sequence
from typing import Any

from experiments.results.load import RunResults, line_of
from experiments.runtime.untrusted_text import inert

LAST = ("value", "lower", "upper", "level", "n", "method")


def estimates_table(runs: Sequence[RunResults]) -> dict[str, Any]:
    """Columns, and for each run its name and {line: row}; ready for `packed_json`."""
    dumped = [
        (number, line_of(row), row.model_dump())
        for number, run in enumerate(runs)
        for row in run.estimates
        if row.split != "selection"
    ]
    keys = dict.fromkeys(key for _, _, row in dumped for key in row if key != "line")
    columns = [*(key for key in keys if key not in LAST), *LAST]
    found: list[dict[str, Any]] = [{"name": inert(run.name), "rows": {}} for run in runs]
    for number, line, row in dumped:
        found[number]["rows"][line] = [_cell(row.get(key)) for key in columns]
    return {"columns": columns, "runs": found}


def _cell(value: Any) -> str | float | None:
    if isinstance(value, float):
        return round(value, 6)
    return value if value is None or isinstance(value, int) else inert(value, 200)
