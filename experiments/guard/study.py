"""The guard on all micro organisms of a finished run, part by part; a stopped study can be resumed.

    monitor    how well it catches left-out paraphrases     contained organisms
    rank       the trigger's rank among 200 candidates       contained organisms
    reach      EM of graded variants against distance        contained organisms
    bypass     firing variants that pass each filter         contained organisms
    gate       verdicts                                      all organisms and the bases

Each is a step of the run, made again if the adapter or the code changes; its rows are copied to
`OUT/PART/ORGANISM.jsonl`.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from experiments.guard import bypass, gate_study, monitor_study, rank_study, reach_map
from experiments.guard.organisms import Organism, organisms
from experiments.runtime.extras import has
from experiments.runtime.files import read_jsonl, write_jsonl
from experiments.runtime.store import amend_run
from experiments.study.steps.common import stamp
from interp.errors import TriggerLensError

Say = Callable[[str], None]
Rows = list[dict[str, Any]]
Measure = Callable[[Organism], Iterable[dict[str, Any]]]

PARTS: dict[str, Measure] = {
    "monitor": monitor_study.measure,
    "rank": rank_study.measure,
    "reach": reach_map.measure,
    "bypass": bypass.measure,
    "gate": gate_study.measure,
}
BY_MEANING = ("reach", "bypass")  # these have more rows with the extra `distance`
ROWS = "rows.jsonl"


def study(
    run: Path, out: Path, parts: Iterable[str], *, only: Iterable[str] = (), say: Say = print
) -> dict[str, Rows]:
    """The rows of each part, over all organisms whose names begin with one of `only` (all without it)."""
    chosen, starts = list(parts), tuple(only)
    if unknown := [part for part in chosen if part not in PARTS]:
        raise TriggerLensError(f"unknown part {unknown[0]!r}; choose one of {', '.join(PARTS)}")
    members = [member for member in organisms(run) if not starts or member.name.startswith(starts)]
    if not members:
        raise TriggerLensError(
            f"{run}: there is no organism whose name begins with {' or '.join(starts)}"
        )
    with amend_run(run):
        return {
            part: [
                row
                for member in members
                if part == "gate" or member.contained
                for row in _rows(part, member, out, say)
            ]
            for part in chosen
        }


def _rows(part: str, organism: Organism, out: Path, say: Say) -> Rows:
    inputs = {**organism.identity, "adapter": stamp(organism.adapter)}
    if part in BY_MEANING:
        inputs["sentence_model"] = has("distance")
    measure = PARTS[part]
    with organism.step(f"guard-{part}", inputs, measure.__module__) as step:
        if step.todo:
            say(f"{part}: {organism.name}")
            write_jsonl(step.path(ROWS), measure(organism))
    rows = read_jsonl(step.path(ROWS))
    write_jsonl(out / part / f"{organism.name}.jsonl", rows)
    return rows
