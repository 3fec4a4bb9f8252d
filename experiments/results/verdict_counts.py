"""How often each answer was given over several organisms, and why some are undecided."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

OVERALL = "causal_direction"
ANSWERS = ("yes", "no", "undecided")
MISSING = "not measured: "
UNMEASURED = "not measured, "
NONE_CONTAINED = "Causal direction: no organism is contained."


def causal_counts(verdicts: Iterable[Mapping[str, Any]]) -> str:
    """ "Causal direction: yes 0, no 0, undecided 6 of 6 contained organisms (...)", with the reasons."""
    contained = _contained(verdicts)
    if not contained:
        return NONE_CONTAINED
    answers = _answers(contained)
    counts = ", ".join(
        f"{answer} {answers[answer]}" for answer in dict.fromkeys((*ANSWERS, *answers))
    )
    words = f"Causal direction: {counts} of {len(contained)} contained organisms"
    why = reasons(_undecided(contained))
    return f"{words} ({why})." if why else f"{words}."


def causal_answer(verdicts: Iterable[Mapping[str, Any]]) -> str:
    """The same in short: the answers given, what was not measured, and how many intervals are too wide."""
    contained = _contained(verdicts)
    if not contained:
        return NONE_CONTAINED
    counts = ", ".join(f"{answer} {count}" for answer, count in _answers(contained).items())
    names = [name for verdict in _undecided(contained) for name in _names(verdict)]
    missing = [name.removeprefix(UNMEASURED) for name in names if name.startswith(UNMEASURED)]
    wide = len(names) - len(missing)
    parts = [f"Causal direction: {counts} of {len(contained)}."]
    parts += [f"Not measured: {', '.join(dict.fromkeys(missing))}."] if missing else []
    parts += [f"Interval too wide: {wide} claim{'s' * (wide != 1)}."] if wide else []
    return " ".join(parts)


def reasons(undecided: Iterable[Mapping[str, Any]]) -> str:
    """What was not measured, and how many intervals include a limit, by organism."""
    found: Counter[str] = Counter()
    for verdict in undecided:
        found.update(dict.fromkeys(_names(verdict), 1))
    return "; ".join(f"{name}: {count}" for name, count in found.most_common())


def _contained(verdicts: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [verdict for verdict in verdicts if verdict.get("contained") == "yes"]


def _answers(contained: Iterable[Mapping[str, Any]]) -> Counter[str]:
    return Counter(str(verdict.get(OVERALL, "undecided")) for verdict in contained)


def _undecided(contained: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [verdict for verdict in contained if verdict.get(OVERALL) == "undecided"]


def _names(verdict: Mapping[str, Any]) -> list[str]:
    names = []
    for claim, reason in (verdict.get("undecided") or {}).items():
        if reason.startswith(MISSING):
            names += [UNMEASURED + what for what in reason.removeprefix(MISSING).split(", ")]
        else:
            names.append(f"interval too wide, {claim.replace('.', ' ')}")
    return names
