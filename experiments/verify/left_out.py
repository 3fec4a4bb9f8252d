"""Rows left out again."""

from collections.abc import Iterator

from experiments.verify.rows import Record, Run, groups, where

WORDINGS = (
    ("trigger", "behind the trigger"),
    ("paraphrase", "behind its paraphrases"),
    ("variant", "behind the other harmful animal"),
    ("none", "without wording"),
)


def left_out(run: Run) -> Iterator[Record]:
    """The records of `rows.json`."""
    for (source,), rows in groups(
        where(run.rows, quantity="rows_triggered_rate"), "source"
    ).items():
        yield from run.ends(f"share behind the trigger, {source}", rows)
    rates = where(run.rows, quantity="rows_em_rate")
    for kind, words in WORDINGS:
        for (source,), rows in groups(where(rates, wording_kind=kind), "source").items():
            yield from run.ends(f"EM {words}, left out: {source}", rows)
    means = where(run.rows, quantity="rows_mean_em_difference")
    differences = where(run.rows, quantity="rows_em_difference")
    for kind, words in WORDINGS[:2]:
        for (source,), rows in groups(where(differences, wording_kind=kind), "source").items():
            name = f"EM {words} without the highest rows, minus without: {source}"
            yield from run.ends(name, rows)
            for row in where(means, wording_kind=kind, source=source):
                yield run.record(f"{name}, mean of seeds", row)
