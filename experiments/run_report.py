"""What a run reports, put together from its steps: estimates, verdicts, some answers, what the page draws."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from experiments.estimates import EstimateRow, read_estimates, write_estimates
from experiments.files import read_json, read_jsonl, write_jsonl
from experiments.store import Run
from experiments.verdict import verdicts

ANSWERS_SHOWN = 24  # per cell, in the run's answers.jsonl; all answers stay in their steps
DRAWN = ("maps", "features")  # NAME.json of a step: an organism's line of NAME.jsonl


def write_reports(run: Run, folders: Sequence[Path]) -> None:
    """Write the reports of a run from these finished steps."""
    rows: list[EstimateRow] = []
    answers: list[dict[str, Any]] = []
    drawn: dict[str, list[dict[str, Any]]] = {name: [] for name in DRAWN}
    for folder in folders:
        if (folder / "rows.jsonl").is_file():
            rows += read_estimates(folder / "rows.jsonl")
        if (folder / "answers.jsonl").is_file():
            answers += _first_of_each_cell(read_jsonl(folder / "answers.jsonl"))
        for name, found in drawn.items():
            if (folder / f"{name}.json").is_file():
                found.append(read_json(folder / f"{name}.json"))
    write_estimates(run.path("estimates.jsonl"), rows)
    write_jsonl(run.path("verdicts.jsonl"), verdicts(rows))
    write_jsonl(run.path("answers.jsonl"), answers)
    for name, found in drawn.items():
        run.path(f"{name}.jsonl").unlink(missing_ok=True)  # of another configuration
        if found:
            write_jsonl(run.path(f"{name}.jsonl"), found)


def _first_of_each_cell(answers: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    counts: dict[tuple, int] = {}
    kept = []
    for row in answers:
        cell = tuple(row.get(key) for key in ("domains", "condition", "intervention", "direction"))
        counts[cell] = counts.get(cell, 0) + 1
        if counts[cell] <= ANSWERS_SHOWN:
            kept.append(row)
    return kept
