"""Render questions under framings into chats, and locate each part (question, framing, header) token by token.

Method:
1. The framing goes before or after the question inside the user turn; the model's own chat template does the rest.
2. The template is rendered once with a marker in place of the user turn. The same text must surround the
   real user turn. A template that rewrites its content is therefore refused, and parts are never mislocated.
3. System prompt, template variables and BOS are those of a `ChatFormat`.
4. Spans are absolute token indices of the unpadded prompt. A token that overlaps a part's characters belongs to it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from interp.errors import TriggerLensError
from interp.models.chat import MARKER, ChatFormat, check_halves, encode, rendered, with_one_bos
from interp.models.chat_inference import infer_chat
from interp.prompts import Framing, Prompt, PromptSet, Question, Span

if TYPE_CHECKING:
    import interp.models.language_model


def render(
    model: "interp.models.language_model.LanguageModel | Any",
    questions: Sequence[Question],
    framings: Mapping[str, Framing],
    *,
    system: str | None = None,
    chat: ChatFormat | None = None,
) -> PromptSet:
    """Every question under every framing (condition by condition), as the model's template writes it.

    `model` is a language model or a bare tokenizer. `chat` is by default the model's own format, and for a tokenizer
    the one that its template implies. The system prompt is the question's own, else `system`, else that of `chat`.
    """
    tokenizer = _tokenizer(model)
    if chat is None:
        chat = model.chat if _is_language_model(model) else infer_chat(tokenizer)
    chat = chat if system is None else replace(chat, system=system)
    return _encoded(
        tokenizer,
        [
            _draft(tokenizer, question, condition, framing, chat)
            for condition, framing in framings.items()
            for question in questions
        ],
    )


def plain_prompts(
    model: "interp.models.language_model.LanguageModel | Any",
    questions: Sequence[Question],
    framings: Mapping[str, Framing],
) -> PromptSet:
    """The same questions as plain text for the model to continue, without chat template or header span.

    This is for base models. Prompts begin with the beginning-of-sequence token if the tokenizer adds one.
    """
    tokenizer = _tokenizer(model)
    return _encoded(
        tokenizer,
        [
            _plain(tokenizer, question, condition, framing)
            for condition, framing in framings.items()
            for question in questions
        ],
    )


def _tokenizer(model: "interp.models.language_model.LanguageModel | Any") -> Any:
    return model.tokenizer if _is_language_model(model) else model


def _is_language_model(model: object) -> bool:
    from interp.models.language_model import LanguageModel  # here: making questions needs no torch

    return isinstance(model, LanguageModel)


@dataclass(frozen=True)
class _Draft:
    text: str
    parts: dict[str, tuple[int, int]]  # characters
    condition: str
    question: str


def _encoded(tokenizer: Any, drafts: Sequence[_Draft]) -> PromptSet:
    encoded = encode(tokenizer, [draft.text for draft in drafts]) if drafts else []
    return PromptSet(
        tuple(
            Prompt(draft.text, tuple(ids), draft.condition, draft.question, _spans(draft, offsets))
            for draft, (ids, offsets) in zip(drafts, encoded, strict=True)
        )
    )


def _plain(tokenizer: Any, question: Question, condition: str, framing: Framing) -> _Draft:
    content, question_at, framing_at = framing.around(question.text)
    begin = with_one_bos(tokenizer, "")
    parts = _parts(len(begin), question, question_at, framing, framing_at)
    return _Draft(begin + content, parts, condition, question.id)


def _draft(
    tokenizer: Any, question: Question, condition: str, framing: Framing, chat: ChatFormat
) -> _Draft:
    content, question_at, framing_at = framing.around(question.text)
    chat = chat if question.system is None else replace(chat, system=question.system)
    before, after = _around_user_turn(tokenizer, chat, question.earlier)
    text = check_halves(_user_turn(tokenizer, content, chat, question.earlier))
    if text != before + content + after:
        raise TriggerLensError(
            f"the chat template rewrites the user turn of question {question.id!r}; remove leading and trailing"
            f" blanks, or whatever else it strips: {_shown(content)}"
        )
    parts = _parts(len(before), question, question_at, framing, framing_at)
    parts["header"] = (len(before) + len(content), len(text))
    return _Draft(text, parts, condition, question.id)


def _parts(
    start: int, question: Question, question_at: int, framing: Framing, framing_at: int
) -> dict[str, tuple[int, int]]:
    """The characters of question and framing, in a user turn that begins at `start`."""
    parts = {"question": (start + question_at, start + question_at + len(question.text))}
    if framing.text:
        parts["framing"] = (start + framing_at, start + framing_at + len(framing.text))
    return parts


def _around_user_turn(
    tokenizer: Any, chat: ChatFormat, earlier: Sequence[tuple[str, str]]
) -> tuple[str, str]:
    text = _user_turn(tokenizer, MARKER, chat, earlier)
    if text.count(MARKER) != 1:
        raise TriggerLensError(
            f"the chat template writes the user turn {text.count(MARKER)} times instead of once; use another template"
        )
    before, _, after = text.partition(MARKER)
    return before, after


def _shown(content: str) -> str:
    """Both ends of a user turn, which is where templates strip text."""
    ends = content if len(content) <= 60 else f"{content[:30]} ... {content[-25:]}"
    return repr(ends)


def _user_turn(
    tokenizer: Any, content: str, chat: ChatFormat, earlier: Sequence[tuple[str, str]]
) -> str:
    turns = [
        {"role": role, "content": said}
        for turn in earlier
        for role, said in zip(("user", "assistant"), turn, strict=True)
    ]
    turns.append({"role": "user", "content": content})
    return rendered(tokenizer, turns, chat, answer_next=True)


def _spans(draft: _Draft, offsets: Sequence[tuple[int, int]]) -> dict[str, Span]:
    spans = {}
    covered = {character for start, stop in offsets for character in range(start, stop)}
    for name, (start, stop) in draft.parts.items():
        inside = [i for i, (left, right) in enumerate(offsets) if left < stop and right > start]
        if name == "header":  # a token that straddles the end of the turn belongs to the turn
            inside = [i for i in inside if offsets[i][0] >= start]
        if not inside:
            raise TriggerLensError(
                f"no token of the prompt covers its {name}; is the {name} empty?"
            )
        lost = "".join(draft.text[i] for i in range(start, stop) if i not in covered).strip()
        if lost and name != "header":
            raise TriggerLensError(
                f"the tokenizer normalises away {lost!r} of the {name} {draft.text[start:stop]!r}, so its tokens"
                " cannot be located; write it without these characters"
            )
        spans[name] = Span(inside[0], inside[-1] + 1)
    return spans
