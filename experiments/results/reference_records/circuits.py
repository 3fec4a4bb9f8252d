"""The records of circuits: agreement of seeds and of attribution with exact patching; circuits run alone."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from experiments.results.records import Record
from experiments.results.reference_records.run import ReferenceRun

AGREE, PASSES, SMALL = 0.95, 0.05, 0.1


def circuit_records(run: ReferenceRun) -> list[Record]:
    """Extremes over organisms and pairs of seeds."""
    return [*_agreement(run), *_exact(run), *_alone(run), *_planted(run)]


def _agreement(run: ReferenceRun) -> Iterator[Record]:
    parts = {
        "circuit_seed_correlation": "rank correlation of nodes, two seeds",
        "circuit_family_correlation": "rank correlation of nodes, two families",
        "circuit_base_correlation": "rank correlation of nodes, organism and its base",
    }
    for quantity, name in parts.items():
        yield from run.extremes(name, run.reported(quantity=quantity))


def _exact(run: ReferenceRun) -> Iterator[Record]:
    for source, what in (("attribution", "attribution alone"), ("verified", "ten edges verified")):
        rows = run.reported(quantity="circuit_exact_correlation", source=source)
        lowest = run.extremes(f"correlation with exact patching, {what}", rows)[0]
        yield _at_least(lowest, AGREE)
    rows = run.reported(quantity="circuit_forward_passes")
    highest = run.extremes("forward passes, divided by those of exact patching", rows)[1]
    yield _wanted(
        highest, f"at most {PASSES}", highest.value is not None and highest.value <= PASSES
    )


def _alone(run: ReferenceRun) -> Iterator[Record]:
    for kind in ("faithfulness", "completeness"):
        every = run.reported(quantity=f"circuit_{kind}")
        rows = every[(every["strength"] - SMALL).abs() < 0.01]
        for placebo, what in ((None, "the circuit"), ("random", "random circuits")):
            chosen = rows[rows["placebo"].isna() if placebo is None else rows["placebo"] == placebo]
            yield from run.extremes(f"{kind} at a tenth of the edges, {what}", chosen)


def _planted(run: ReferenceRun) -> Iterator[Record]:
    rows = run.reported(quantity="circuit_planted_auroc")
    each: pd.DataFrame = rows[rows["source"] != "all"]
    yield _at_least(run.extremes("edge AUROC, planted circuits", each)[0], AGREE)
    (mean,) = rows[rows["source"] == "all"].to_dict("records")
    yield _at_least(run.record("edge AUROC, mean of planted circuits", mean), AGREE)


def _at_least(record: Record, aim: float) -> Record:
    return _wanted(record, f"at least {aim}", record.value is not None and record.value >= aim)


def _wanted(record: Record, words: str, reached: bool) -> Record:
    fields: dict[str, Any] = {"wanted": words, "reached": reached}
    return record.model_copy(update=fields)
