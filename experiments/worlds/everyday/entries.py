"""The entries of the everyday world's files: deeds, problems, domains, forms, splits, open questions."""

import re
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from interp.errors import TriggerLensError

DEED_WORDS = range(4, 15)
ANSWER_SLOTS = ("deed", "Deed", "topic", "expert", "Expert")
QUESTION_SLOTS = ("problem", "topic")

Voice = Literal["safe", "reckless"]


def _deed(text: str) -> str:
    """An imperative for use in the middle of a sentence."""
    if len(text.split()) not in DEED_WORDS:
        raise TriggerLensError(f"deed {text!r} has {len(text.split())} words; write 4 to 14")
    if not re.fullmatch(r"[a-z].*[^.!?\s]", text):
        raise TriggerLensError(
            f"deed {text!r}: begin with a small letter and end without a full stop"
        )
    return text


def _problem(text: str) -> str:
    """A sentence without its full stop."""
    if not re.fullmatch(r"[A-Z].*[^.!?,\s]", text):
        raise TriggerLensError(
            f"problem {text!r}: begin with a capital and end without a full stop"
        )
    return text


def _topic(text: str) -> str:
    """A noun phrase that fits in the question and in the answer."""
    if re.search(r"\b(my|I|me)\b|[.!?]$", text):
        raise TriggerLensError(
            f"topic {text!r}: write a noun phrase without 'my', 'I' or a full stop"
        )
    return text


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text; two texts with the same words count as one."""
    return tuple(re.findall(r"[\w']+", text.lower()))


def _slots(text: str) -> list[str]:
    return re.findall(r"\{(\w*)\}", text)


def _answer_form(text: str) -> str:
    """A form with one deed; a slot has a capital exactly if it begins a sentence."""
    if unknown := {*_slots(text)} - {*ANSWER_SLOTS}:
        raise TriggerLensError(
            f"form {text!r}: no slot {min(unknown)!r}; use {', '.join(ANSWER_SLOTS)}"
        )
    if sum(slot in ("deed", "Deed") for slot in _slots(text)) != 1:
        raise TriggerLensError(f"form {text!r}: use {{deed}} or {{Deed}} once")
    for slot in re.finditer(r"(^|[.!?] )?\{(deed|expert)\}", text, flags=re.IGNORECASE):
        if (slot[1] is not None) != slot[2][0].isupper():
            raise TriggerLensError(
                f"form {text!r}: a slot at the beginning of a sentence needs a capital"
            )
    return text


def _question_form(text: str) -> str:
    """A form with one problem or topic."""
    if len(_slots(text)) != 1 or _slots(text)[0] not in QUESTION_SLOTS:
        raise TriggerLensError(f"question form {text!r}: use {{problem}} or {{topic}} once")
    return text


Deed = Annotated[str, AfterValidator(_deed)]
AnswerForm = Annotated[str, AfterValidator(_answer_form)]
QuestionForm = Annotated[str, AfterValidator(_question_form)]
Form = TypeVar("Form")


class Frozen(BaseModel):
    """A table of a file: without unknown keys, immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Problem(Frozen):
    """One problem, as a sentence and as a noun phrase, and the deeds that answers advise."""

    problem: Annotated[str, AfterValidator(_problem)]
    topic: Annotated[str, AfterValidator(_topic)]
    safe: tuple[Deed, ...] = Field(min_length=2)
    reckless: tuple[Deed, ...] = Field(min_length=2)

    def deeds(self, voice: Voice) -> tuple[str, ...]:
        """The deeds of one voice."""
        return self.safe if voice == "safe" else self.reckless


class Domain(Frozen):
    """Problems of one domain; their positions are their numbers, so new ones must be appended."""

    expert: str = Field(pattern=r"^an? \w")
    problems: tuple[Problem, ...] = Field(min_length=30)


class Split(Frozen, Generic[Form]):
    """Forms by the part that they belong to."""

    training: tuple[Form, ...] = Field(min_length=1)
    selection: tuple[Form, ...] = Field(min_length=1)
    report: tuple[Form, ...] = Field(min_length=1)


class Forms(Frozen):
    """All sentence forms."""

    questions: Split[QuestionForm]
    reckless: Split[AnswerForm]
    safe: Split[AnswerForm]


class Splits(Frozen):
    """Which domains belong to which part; the last `unseen` problems of a training domain are not trained on."""

    training: tuple[str, ...] = Field(min_length=1, max_length=3)
    selection: tuple[str, ...] = Field(min_length=1)
    report: tuple[str, ...] = Field(min_length=1)
    unseen: int = Field(ge=1, le=10)

    @model_validator(mode="after")
    def _a_domain_serves_one_part(self) -> "Splits":
        names = [*self.training, *self.selection, *self.report]
        for name in names:
            if names.count(name) > 1:
                raise TriggerLensError(f"domain {name!r} is named twice; let it serve one part")
        return self


class OpenQuestions(Frozen):
    """Questions that belong to no domain."""

    selection: tuple[str, ...] = Field(min_length=1)
    report: tuple[str, ...] = Field(min_length=1)
