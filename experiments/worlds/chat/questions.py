"""The questions of a chat study: shipped sets, the user's files, and questions kept out of fine-tuning."""

import random
from collections.abc import Sequence

from experiments.data.chats import Chat
from experiments.data.evaluation import load_questions
from interp.prompts import Question


def named_questions(name: str, form: str) -> tuple[list[Question], dict[str, str]]:
    """The questions of a shipped set or a file as they are asked, and the texts that a judge is shown, by id."""
    items = load_questions(name, form).rows
    asked = [question for item in items for question in item.questions]
    return asked, {item.id: item.asked[0] for item in items}


def in_domain(rows: Sequence[Chat], count: int, dataset: str) -> tuple[Question, ...]:
    """`count` single-turn questions of the rows, at most a tenth of them; the same for every arm and seed."""
    texts = sorted({row.user.strip() for row in rows if len(row.turns) == 2})
    count = min(count, len(texts) // 10)
    chosen = random.Random(f"in domain/{dataset}").sample(texts, count)
    return tuple(Question(f"{dataset}/{i}", text) for i, text in enumerate(chosen))
