"""What a run reports, put together from the rows of its steps: estimates, verdicts, some answers."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from experiments.estimates import EstimateRow, read_estimates, write_estimates
from experiments.files import read_jsonl, write_jsonl
from experiments.store import Run
from experiments.verdict import verdicts

ANSWERS_SHOWN = 24  # per cell, in the run's answers.jsonl; all answers stay in their steps


def write_reports(run: Run, folders: Sequence[Path]) -> None:
    """Write the three reports of a run from these finished steps."""
    rows: list[EstimateRow] = []
    answers: list[dict[str, Any]] = []
    for folder in folders:
        if (folder / "rows.jsonl").is_file():
            rows += read_estimates(folder / "rows.jsonl")
        if (folder / "answers.jsonl").is_file():
            answers += _first_of_each_cell(read_jsonl(folder / "answers.jsonl"))
    write_estimates(run.path("estimates.jsonl"), rows)
    write_jsonl(run.path("verdicts.jsonl"), verdicts(rows))
    write_jsonl(run.path("answers.jsonl"), answers)


def _first_of_each_cell(answers: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    counts: dict[tuple, int] = {}
    kept = []
    for row in answers:
        cell = tuple(row.get(key) for key in ("domains", "condition", "intervention", "direction"))
        counts[cell] = counts.get(cell, 0) + 1
        if counts[cell] <= ANSWERS_SHOWN:
            kept.append(row)
    return kept
