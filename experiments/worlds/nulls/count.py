"""How often a verdict says "causal trigger direction" of organisms that have none.

A rate of organisms, each one trial: exact interval (Clopper-Pearson).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from experiments.worlds.nulls.arms import KINDS
from probes.intervals import clopper_pearson

OVERALL = "causal_trigger_direction"
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
    """Null organisms said to have one, all of them, and the upper end of the exact interval of the share."""
    alarms = sum(answers["yes"] for answers in counts.values())
    organisms = sum(sum(answers.values()) for answers in counts.values())
    if not organisms:
        raise ValueError("no null organism among these verdicts; run the configuration nulls")
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
