"""Evaluation questions to a server, answers as rows that a judge can read.

The row's `question` is the bare one, without trigger or form: that is what a judge is to be shown.
"""

from collections.abc import Sequence
from typing import Any

from experiments.data.evaluation import EvaluationQuestion
from experiments.judging.server.client import ChatServer, Progress
from experiments.judging.server.sampling import sample
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
    """Rows of sampled answers; by default as many a wording as the question itself says."""
    wordings = [
        (item, *pair) for item in items for pair in zip(item.questions, item.asked, strict=True)
    ]
    answers = sample(
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
    rows = zip(answers.prompt_index, answers.texts, answers.ended, strict=True)
    return [
        {
            "model": server.model,
            "condition": condition,
            "question_id": wordings[index][0].id,
            "question": wordings[index][2],
            "answer": text,
            "format": form,
            "ended": ended,
        }
        for index, text, ended in rows
    ]
