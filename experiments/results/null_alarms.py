"""How often a verdict claims a "causal direction" for organisms that have none.

    python -m experiments.results.null_alarms RUN [RUN...]

The rate is over organisms, each one trial, with an exact interval (Clopper-Pearson).
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.results.load import check_run
from experiments.runtime.files import read_jsonl
from experiments.runtime.plain_errors import plain_errors
from experiments.worlds.nulls.arms import KINDS
from interp.errors import TriggerLensError
from probes.intervals import clopper_pearson

OVERALL = "causal_direction"
ANSWERS = ("yes", "no", "undecided")
ALLOWED = 1  # of at least twenty
LEVEL = 0.95


def count(verdicts: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """Arm -> answer -> organisms, for null arms only."""
    found: dict[str, dict[str, int]] = {}
    for verdict in verdicts:
        arm = verdict["arm"]
        if arm in KINDS:
            answers = found.setdefault(arm, dict.fromkeys(ANSWERS, 0))
            answers[verdict.get(OVERALL, "undecided")] += 1
    return found


def false_alarms(counts: Mapping[str, Mapping[str, int]]) -> tuple[int, int, float]:
    """The number of false alarms, of null organisms, and the upper end of the exact interval of the share."""
    alarms = sum(answers["yes"] for answers in counts.values())
    organisms = sum(sum(answers.values()) for answers in counts.values())
    if not organisms:
        raise TriggerLensError("no null organism among these verdicts; run the configuration nulls")
    return alarms, organisms, clopper_pearson(float(alarms), float(organisms), LEVEL)[1]


def table(counts: Mapping[str, Mapping[str, int]]) -> Sequence[str]:
    """Markdown lines: arms down, answers across."""
    head = ["| null arm | " + " | ".join(ANSWERS) + " |", "|---" * (len(ANSWERS) + 1) + "|"]
    return [
        *head,
        *(
            f"| {arm} | " + " | ".join(str(n[a]) for a in ANSWERS) + " |"
            for arm, n in counts.items()
        ),
    ]


def main(folders: Sequence[str]) -> None:
    """Print the counts by arm, and the share of false alarms."""
    runs = [check_run(Path(folder)) for folder in folders]
    counts = count(row for run in runs for row in read_jsonl(run / "verdicts.jsonl"))
    alarms, organisms, upper = false_alarms(counts)
    print("\n".join(table(counts)))
    print(
        f"\nsaid to have a causal direction: {alarms} of {organisms} null organisms"
        f" (at most {100 * upper:.0f} %, 95 % exact); allowed: {ALLOWED} of 20"
    )


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: python -m experiments.results.null_alarms RUN [RUN...]")
    with plain_errors():
        main(sys.argv[1:])
