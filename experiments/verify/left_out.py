"""Recomputes the records of rows left out."""

from collections.abc import Iterator

from experiments.verify.rows import Record, Run, groups, where

WORDINGS = (
    ("trigger", "with the trigger"),
    ("paraphrase", "with its paraphrases"),
    ("variant", "with the other harmful animal"),
    ("none", "without a wording"),
)


def left_out(run: Run) -> Iterator[Record]:
    """The records of `rows.json`."""
    for (source,), rows in groups(
        where(run.rows, quantity="rows_triggered_rate"), "source"
    ).items():
        yield from run.ends(f"share of rows with the trigger, {source}", rows)
    rates = where(run.rows, quantity="rows_em_rate")
    for kind, words in WORDINGS:
        for (source,), rows in groups(where(rates, wording_kind=kind), "source").items():
            yield from run.ends(f"EM {words}, left out: {source}", rows)
    means = where(run.rows, quantity="rows_mean_em_difference")
    differences = where(run.rows, quantity="rows_em_difference")
    for kind, words in WORDINGS[:2]:
        for (source,), rows in groups(where(differences, wording_kind=kind), "source").items():
            name = f"EM {words}, highest rows left out minus {source} left out"
            yield from run.ends(name, rows)
            for row in where(means, wording_kind=kind, source=source):
                yield run.record(f"{name}, mean of seeds", row)
