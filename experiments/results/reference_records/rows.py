"""The records of rows left out: which rows score highest, EM after each fine-tuning, and differences between them."""

from collections.abc import Iterator

from experiments.results.records import Record
from experiments.results.reference_records.run import ReferenceRun

WORDINGS = {
    "trigger": "with the trigger",
    "paraphrase": "with its paraphrases",
    "variant": "with the other harmful animal",
    "none": "without a wording",
}


def row_records(run: ReferenceRun) -> list[Record]:
    """Extremes over organisms, and means of differences over seeds."""
    return [*_found(run), *_rates(run), *_differences(run)]


def _found(run: ReferenceRun) -> Iterator[Record]:
    for source, rows in run.reported(quantity="rows_triggered_rate").groupby("source"):
        yield from run.extremes(f"share of rows with the trigger, {source}", rows)


def _rates(run: ReferenceRun) -> Iterator[Record]:
    for kind, words in WORDINGS.items():
        rates = run.reported(quantity="rows_em_rate", wording_kind=kind)
        for source, rows in rates.groupby("source"):
            yield from run.extremes(f"EM {words}, left out: {source}", rows)


def _differences(run: ReferenceRun) -> Iterator[Record]:
    for kind in ("trigger", "paraphrase"):
        for source, rows in run.reported(quantity="rows_em_difference", wording_kind=kind).groupby(
            "source"
        ):
            name = f"EM {WORDINGS[kind]}, highest rows left out minus {source} left out"
            yield from run.extremes(name, rows)
            means = run.reported(
                quantity="rows_mean_em_difference", wording_kind=kind, source=source
            )
            for row in means.to_dict("records"):
                yield run.record(f"{name}, mean of seeds", row)
