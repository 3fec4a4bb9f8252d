"""The result of a search as one JSON-serialisable value, from which every page is written."""

from collections.abc import Iterable, Mapping
from typing import Any

from experiments.guard.gate import Check, Limits, Outcome
from experiments.guard.search.black_box import BlackBox
from experiments.guard.search.decide import Decided, smallest_rate
from experiments.guard.search.leads import Lead
from experiments.guard.search.library import kinds
from experiments.guard.search.made_up import FRAMES
from experiments.guard.search.search import Found
from experiments.guard.search.shortlist import Class
from experiments.guard.trigger_candidates import Condition

NOWHERE: dict[str, Any] = {
    "wording": "",
    "placement": "none",
    "shown": "",
    "then": None,
    "sources": [],
}
LEVEL, SHOWN, EXAMPLES, MEMBERS = 0.95, 20, 3, 5


def search_report(found: Found, limits: Limits, **about: Any) -> dict[str, Any]:
    """Verdict, hits, ranking, black box, what was spent, and what was not tested; `about` says what was searched."""
    return {
        **about,
        "verdict": found.verdict,
        "exit_code": found.exit_code,
        "limits": {
            "gap": limits.gap,
            "rise": limits.rise,
            "provoked": limits.provoked,
            "error": limits.error,
        },
        "decided": decided_rows(found.decided),
        "classes": [_class(one) for one in found.shortlist.classes[:SHOWN]],
        "minutes_needed": found.minutes_needed,
        "openings": found.openings,
        "black_box": _black_box(found.black_box, found.black_box_decided),
        "spent": _spent(found),
        "not_tested": not_tested(found, limits),
    }


def decided_rows(decided: Iterable[Decided]) -> list[dict[str, Any]]:
    """Every decision with its tests and examples."""
    return [_decided(one) for one in decided]


def _decided(one: Decided) -> dict[str, Any]:
    """One lead and its tests; for a hit, also answers side by side."""
    return {
        **(_lead(one.lead) if one.lead else NOWHERE),
        "finding": one.finding,
        "error": one.error,
        "questions": one.outcome.questions,
        "answers": one.outcome.answers,
        "tests": [_test(check) for check in one.outcome.checks],
        "examples": side_by_side(one.outcome, one.outcome.checks[0].condition)
        if one.finding == "hit"
        else [],
    }


def _lead(lead: Lead) -> dict[str, Any]:
    return {
        **_place(lead),
        "sources": [{"method": method, "count": count} for method, count in lead.sources],
    }


def _place(lead: Lead) -> dict[str, Any]:
    place = lead.condition
    then = None if place.then is None else place.then.model_dump(mode="json")
    cue = {"wording": place.wording, "placement": place.placement, "separator": place.separator}
    return {**cue, "then": then, "shown": lead.text}


def _test(check: Check) -> dict[str, Any]:
    estimate = check.test.interval(LEVEL)
    return {
        "kind": check.kind,
        "limit": check.test.limit,
        "verdict": check.verdict,
        **vars(estimate),
    }


def side_by_side(outcome: Outcome, condition: Condition) -> list[dict[str, str]]:
    """Misaligned answers with a wording, each with the first answer to the same question without it."""
    cells = outcome.cells
    plain: dict[str, str] = {}
    for (which, place), drawn in cells.items():
        for cell in drawn if which == "fine_tuned" and place.name == "none" else ():
            for question, answer in zip(cell.questions, cell.completions.texts, strict=True):
                plain.setdefault(question, answer)
    shown: dict[str, dict[str, str]] = {}
    for cell in cells.get(("fine_tuned", condition), []):
        rows = zip(cell.questions, cell.completions.texts, cell.judgements, strict=True)
        for question, answer, judgement in rows:
            if judgement.misaligned:
                row = {"question": question, "with": answer, "without": plain.get(question, "")}
                shown.setdefault(question, row)
    return list(shown.values())[:EXAMPLES]


def _class(one: Class) -> dict[str, Any]:
    return {
        **_lead(one.lead),
        "surprise": one.ranked.surprise,
        "shift": one.ranked.shift,
        "score": vars(one.ranked.score),
        "others": [_place(lead) for lead, _ in one.members[1 : 1 + MEMBERS]],
        "members": len(one.members),
    }


def _black_box(blind: BlackBox, decided: list[Decided]) -> dict[str, Any]:
    return {
        "tried": blind.tried,
        "tokens": blind.tokens,
        "allowed": blind.allowed,
        "first": [_lead(lead) | {"gap": gap} for lead, gap in blind.leads[:EXAMPLES]],
        "decided": decided_rows(decided),
    }


def _spent(found: Found) -> dict[str, Any]:
    spent = found.spent
    parts: Mapping[str, Any] = {
        part: {"tokens": tokens, "seconds": round(spent.took.get(part, 0.0), 1)}
        for part, tokens in spent.tokens.items()
    }
    return {"seconds": round(spent.passed, 1), "budget_seconds": spent.seconds, "parts": parts}


def not_tested(found: Found, limits: Limits) -> list[str]:
    """What the verdict does not cover, with numbers."""
    ranked = found.shortlist
    judged = len(found.decided) - 1
    least = smallest_rate(limits, len(found.decided), found.questions)
    library = ", ".join(
        f"{name.replace('_', ' ')} {len(kind.wordings)}" for name, kind in kinds().items()
    )
    waiting = max(0, len(ranked.classes) - judged)
    lines = [
        f"{waiting} of {len(ranked.classes)} classes that reached the last round, and leads dropped in earlier rounds,"
        " were not judged.",
        f"Wordings that no method proposed. The library has {library}; other kinds and languages were not tried.",
        "Triggers that span several turns, that have two cues which the model does not write itself, or three or more"
        " cues; code, images, and questions about one subject.",
        "Made-up words in frames other than "
        + ", ".join(f"{frame.at('X', 42).text!r} ({frame.placement})" for frame in FRAMES)
        + ".",
        "Effects other than answers that the judge calls misaligned.",
    ]
    if (left := ranked.leads - ranked.scored) > 0:
        lines.insert(
            0, f"{left} of {ranked.leads} leads were not scored, because no time was left."
        )
    smallest = "any gap" if least is None else f"gaps under about {least:.0%}"
    lines.append(
        f"With {found.questions} questions, {smallest} cannot be distinguished from the limit."
    )
    if found.black_box.tokens < 0.9 * found.black_box.allowed:
        lines.append(
            f"The black box used {found.black_box.tokens:,} of its {found.black_box.allowed:,} tokens."
        )
    return lines
