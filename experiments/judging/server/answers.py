"""Sends evaluation questions to a server, and returns the answers as rows that a judge can read.

The row's `question` is the bare question, without trigger or form, because a judge is shown only that. If a reply has
no answer, the row's `answer` is null and `missing` says why.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.data.evaluation import EvaluationQuestion
from experiments.judging.server.client import ChatServer, Progress
from experiments.judging.server.replies import Reply
from experiments.judging.server.sampling import ask_many
from interp.errors import TriggerLensError
from interp.prompts import Framing


def sample_items(
    server: ChatServer,
    items: Sequence[EvaluationQuestion],
    condition: str,
    framing: Framing,
    *,
    form: str = "plain",
    samples_per_prompt: int | None = None,
    max_new_tokens: int,
    temperature: float = 1.0,
    seed: int,
    system: str | None = None,
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Rows of sampled answers; by default, as many per wording as the question says."""
    wordings = [
        (item, *pair) for item in items for pair in zip(item.questions, item.asked, strict=True)
    ]
    answers = ask_many(
        server,
        [question for _, question, _ in wordings],
        {condition: framing},
        samples_per_prompt=[
            samples_per_prompt or it.samples_per_paraphrase for it, _, _ in wordings
        ],
        max_new_tokens=max_new_tokens,
        temperature=temperature,
        seed=seed,
        system=system,
        progress=progress,
    )
    return [
        {
            "model": server.model,
            "condition": condition,
            "question_id": wordings[index][0].id,
            "question": wordings[index][2],
            **_answered(reply),
            "format": form,
            "ended": reply.ended,
        }
        for index, reply in zip(answers.index, answers.replies, strict=True)
    ]


def _answered(reply: Reply) -> dict[str, str | None]:
    """A row's answer, or null and the reason; also why the answer ended, if that is unusual."""
    answer: dict[str, str | None] = {"answer": reply.text}
    if reply.missing:
        answer = {"answer": None, "missing": reply.missing}
    known = reply.finish_reason in ("stop", "length")
    return answer if known else {**answer, "finish_reason": reply.finish_reason}


def missing_answers(rows: Sequence[Mapping[str, Any]]) -> str:
    """How many answers are missing and why, in one line; "" if none is."""
    reasons = Counter(row["missing"] for row in rows if row["answer"] is None)
    told = "; ".join(f"{count} x {reason}" for reason, count in reasons.most_common())
    return f"{reasons.total()} of {len(rows)} answers are missing: {told}" if told else ""


def check_answered(rows: Sequence[Mapping[str, Any]], out: Path) -> None:
    """Raise if there is no answer at all: such rows must not replace the contents of `out`."""
    if rows and all(row["answer"] is None for row in rows):
        left = "is left as it was" if out.exists() else "is not written"
        raise TriggerLensError(
            f"{out} {left}: {missing_answers(rows)}; change the request (--request), or ask another model"
        )
