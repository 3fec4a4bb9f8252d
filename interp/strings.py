"""Prompts from plain strings: what `lm.prompts` does."""

from collections.abc import Mapping, Sequence

from interp.errors import TriggerLensError
from interp.models.language_model import LanguageModel
from interp.prompts import Framing, PromptSet, Question
from interp.rendering import plain_prompts, render


def prompts_from(
    model: LanguageModel,
    texts: str | Sequence[str | Question] | Mapping[str, str],
    wordings: Mapping[str, str | Framing] | None = None,
    *,
    chat: bool = True,
    system: str | None = None,
) -> PromptSet:
    """Strings as prompts: every text under every wording, condition by condition.

    Args:
        texts: one text, several, or {id: text}; a text given without an id serves as its own id.
        wordings: {condition: what is put before the text}; a `Framing` can put it after. None: one condition, "none".
        chat: False makes plain text without a chat template, as for a base model.
        system: the system prompt, instead of the one that the chat format sets.
    """
    questions = _questions(texts)
    framings = {"none": Framing("")} if wordings is None else _framings(wordings)
    if chat:
        return render(model, questions, framings, system=system)
    if system is not None:
        raise TriggerLensError(
            f"system={system!r} with chat=False: plain text has no system prompt"
        )
    return plain_prompts(model, questions, framings)


def _questions(texts: str | Sequence[str | Question] | Mapping[str, str]) -> list[Question]:
    if isinstance(texts, str):
        texts = [texts]
    if isinstance(texts, Mapping):
        return [Question(name, text) for name, text in texts.items()]
    return [text if isinstance(text, Question) else Question(text, text) for text in texts]


def _framings(wordings: Mapping[str, str | Framing]) -> dict[str, Framing]:
    return {
        condition: wording if isinstance(wording, Framing) else Framing(wording)
        for condition, wording in wordings.items()
    }
