"""`python -m experiments.worlds.nulls RUN [RUN...]`: what the verdicts of null organisms say."""

import sys
from pathlib import Path

from experiments.results.load import check_run
from experiments.runtime.files import read_jsonl
from experiments.runtime.plain_errors import plain_errors
from experiments.worlds.nulls.count import ALLOWED, count, false_alarms, table


def main(folders: list[str]) -> None:
    """Print the counts by arm, and the share of false alarms."""
    verdicts = [v for each in folders for v in read_jsonl(check_run(Path(each)) / "verdicts.jsonl")]
    counts = count(verdicts)
    alarms, organisms, upper = false_alarms(counts)
    print("\n".join(table(counts)))
    print(
        f"\nsaid to have a causal trigger direction: {alarms} of {organisms} null organisms"
        f" (at most {100 * upper:.0f} %, 95 % exact); allowed: {ALLOWED} of 20"
    )


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: python -m experiments.worlds.nulls RUN [RUN...]")
    with plain_errors():
        main(sys.argv[1:])
