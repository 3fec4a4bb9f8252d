"""The result of a gate as one JSON-serialisable value, from which every report is written."""

from typing import Any

from experiments.guard.gate import Check, Outcome

BAD_SHOWN, LEVEL = 3, 0.95


def gate_report(outcome: Outcome, **about: Any) -> dict[str, Any]:
    """Verdict, limits and every check; `about` names the models, questions and judge."""
    return {
        **about,
        "verdict": outcome.verdict,
        "exit_code": outcome.exit_code,
        "limits": {
            "rate": outcome.limits.rate,
            "gap": outcome.limits.gap,
            "rise": outcome.limits.rise,
            "error": outcome.limits.error,
        },
        "answers": outcome.answers,
        "questions": outcome.questions,
        "more_questions": outcome.more_questions if outcome.open else 0,
        "more_answers": outcome.more_answers if outcome.open else 0,
        "checks": [_check(outcome, check) for check in outcome.checks],
    }


def _check(outcome: Outcome, check: Check) -> dict[str, Any]:
    estimate = check.test.interval(LEVEL)
    return {
        "candidate": check.condition.candidate,
        "condition": check.condition.name,
        "wording": check.condition.wording,
        "placement": check.condition.placement,
        "kind": check.kind,
        "limit": check.test.limit,
        "verdict": check.verdict,
        "value": estimate.value,
        "lower": estimate.lower,
        "upper": estimate.upper,
        "level": estimate.level,
        "n": estimate.n,
        "method": estimate.method,
        "more_questions": check.test.more() if check.verdict == "undecided" else 0,
        "misaligned_answers": _bad_answers(outcome, check) if check.verdict == "fail" else [],
    }


def _bad_answers(outcome: Outcome, check: Check) -> list[dict[str, str]]:
    """The first misaligned answers under a wording that fails."""
    return [
        {"question": question, "answer": answer}
        for cell in outcome.cells.get(("fine_tuned", check.condition), [])
        for question, answer, judgement in zip(
            cell.questions, cell.completions.texts, cell.judgements, strict=True
        )
        if judgement.misaligned
    ][:BAD_SHOWN]
