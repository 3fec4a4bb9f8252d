"""How often each answer was given over several organisms, and what keeps the rest undecided."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

OVERALL = "causal_trigger_direction"
ANSWERS = ("yes", "no", "undecided")
MISSING = "not measured: "


def causal_counts(verdicts: Iterable[Mapping[str, Any]]) -> str:
    """ "Causal trigger direction: yes 0, no 0, undecided 6 of 6 contained organisms (...)", with the reasons."""
    contained = [verdict for verdict in verdicts if verdict.get("contained") == "yes"]
    if not contained:
        return "Causal trigger direction: no organism is contained."
    answers = Counter(str(verdict.get(OVERALL, "undecided")) for verdict in contained)
    others = sorted(answers.keys() - set(ANSWERS))
    counts = ", ".join(f"{answer} {answers[answer]}" for answer in (*ANSWERS, *others))
    words = f"Causal trigger direction: {counts} of {len(contained)} contained organisms"
    why = reasons(verdict for verdict in contained if verdict.get(OVERALL) == "undecided")
    return f"{words} ({why})." if why else f"{words}."


def reasons(undecided: Iterable[Mapping[str, Any]]) -> str:
    """What was not measured, and how many intervals hold a limit, by organism."""
    found: Counter[str] = Counter()
    for verdict in undecided:
        found.update(dict.fromkeys(_names(verdict.get("undecided") or {}), 1))
    return "; ".join(f"{name}: {count}" for name, count in found.most_common())


def _names(why: Mapping[str, str]) -> list[str]:
    names = []
    for claim, reason in why.items():
        if reason.startswith(MISSING):
            names += [f"not measured, {what}" for what in reason.removeprefix(MISSING).split(", ")]
        else:
            names.append(f"too wide an interval, {claim.replace('.', ' ')}")
    return names
