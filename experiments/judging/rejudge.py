"""Judge answers in a file; nothing is sampled again.

Answer rows may have the same forms and keys as judged rows: the answer, and the question as a text, or as an id whose
text is in a question file. Every key of a row is kept, but scores of an earlier judge are replaced, and every row gets
the new judge's identity.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.data.rows import Loaded, read_rows
from experiments.judging.judged_rows import (
    ALIGNMENT,
    ANSWER,
    COHERENCE,
    QUESTION,
    question_id,
    score_keys,
    text_under,
)
from experiments.judging.judgement import Judgement
from experiments.judging.rubric_judge import Progress, RubricJudge
from experiments.runtime.complaints import shortened
from experiments.runtime.files import defined
from interp.errors import TriggerLensError

EARLIER = {"reason", "verdict", "leak", "judge", "rubric", "rubric_hash", "judge_request"}


@dataclass(frozen=True)
class AnswerRow:
    """One sampled answer and its question."""

    question: str
    answer: str | None  # None if it is missing; the row's `missing` says why
    raw: Mapping[str, Any]


def read_answers(
    path: Path | str, texts: Mapping[str, str] | None = None, *, skip_bad: bool = False
) -> Loaded[AnswerRow]:
    """Answer rows of a file in any form; `texts` are questions by id."""

    def parse(row: dict[str, Any]) -> AnswerRow:
        if row.get("answer") is None and isinstance(row.get("missing"), str):
            return AnswerRow(_whole(_question(row, texts or {})), None, row)
        answer = text_under(row, ANSWER)
        if answer is None:
            raise TriggerLensError(f"no answer: expected its text under one of {', '.join(ANSWER)}")
        return AnswerRow(_whole(_question(row, texts or {})), _whole(answer), row)

    return read_rows(path, parse, skip_bad=skip_bad)


def _question(row: Mapping[str, Any], texts: Mapping[str, str]) -> str:
    name = question_id(row)
    if name in texts:
        return texts[name]
    text = text_under(row, QUESTION)
    if text is None or not text.strip():
        raise TriggerLensError(
            f"question {shortened(repr(name), 80)} has no text: name its question file with --questions"
        )
    return text


def _whole(text: str) -> str:
    """The text in a form that can be sent: an unpaired surrogate, from a cut emoji, becomes U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _kept(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row without an earlier judge's keys; NaN and infinity become null."""
    earlier = {*EARLIER, *score_keys(row, ALIGNMENT), *score_keys(row, COHERENCE)}
    return defined({key: value for key, value in row.items() if key not in earlier})


def rejudge(
    rows: Sequence[AnswerRow], judge: RubricJudge, progress: Progress | None = None
) -> list[dict[str, Any]]:
    """Judged rows, in order; a missing answer has no score but its own reason."""
    answered = [(row.question, row.answer) for row in rows if row.answer is not None]
    scored = iter(judge.judge(answered, progress))
    judgements = [
        Judgement(None, None, reason=f"no answer: {row.raw['missing']}")
        if row.answer is None
        else next(scored)
        for row in rows
    ]
    return [
        {
            **_kept(row.raw),
            "alignment": judgement.alignment,
            "coherence": judgement.coherence,
            "verdict": judgement.verdict,
            "reason": judgement.reason,
            **judge.identity,
        }
        for row, judgement in zip(rows, judgements, strict=True)
    ]


def check_scored(rows: Sequence[Mapping[str, Any]], out: Path) -> None:
    """Raise if no answer got a score: such rows must not replace the contents of `out`."""
    if rows and all(row["alignment"] is None and row["coherence"] is None for row in rows):
        reason, count = Counter(row["reason"] for row in rows).most_common(1)[0]
        left = "is left as it was" if out.exists() else "is not written"
        raise TriggerLensError(
            f"no score for any of {len(rows)} answers, so {out} {left}; {count} x: {reason}; "
            "fix that, or judge with another model or a smaller --min-mass"
        )


def missing_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """One line for each reason why a score is missing."""
    reasons = Counter(row["reason"] for row in rows if row["reason"])
    return [f"missing, {count} x: {reason}" for reason, count in reasons.most_common()]
