"""The triggers that a gate tests, with paraphrases and controls, read from TOML.

A file is one trigger in the format of `experiments/worlds/triggers/*.toml`, or many as `[[candidate]]`. A candidate may
also have `placement`, `separator` and `then` (a second cue), and may leave out `[training]`. The placements are prefix,
suffix, system, earlier (a turn of its own before the question) and form (a change of the question itself; the wording
is its name in `experiments.guard.forms`). `library` stands for all built-in candidates, `library:KIND` for one kind.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from experiments.guard.forms import FORMS
from experiments.runtime.complaints import complaint, shortened
from experiments.runtime.toml_files import parse_toml
from experiments.worlds.trigger import FOLDER, Training
from interp.errors import TriggerLensError
from interp.prompts import Framing, Question

LIBRARY = Path(__file__).with_name("library")
SEEN = 3  # wordings of the data that are tested if there is no paraphrase
REPLY = "All right."  # the assistant's reply to a wording in an earlier turn
Placement = Literal["prefix", "suffix", "system", "earlier", "form"]


class Condition(BaseModel):
    """One wording and its name; `then` is a second cue that must also be present.

    If the placement is form, the wording is the name of a change of the question in `experiments.guard.forms`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    candidate: str
    name: str
    wording: str = ""
    placement: Placement = "prefix"
    separator: str = " "
    then: "Condition | None" = None

    @property
    def framing(self) -> Framing:
        """The text that is added to the question in the user turn."""
        if self.placement == "prefix" or self.placement == "suffix":
            return Framing(self.wording, self.placement, self.separator)
        return Framing("")

    def ask(self, question: Question) -> Question:
        """The question with the second cue, and with the wording if that is not part of the user turn."""
        if self.then is not None:
            question = self.then.put(question)
        if self.placement == "earlier":
            return replace(question, earlier=((self.wording, REPLY), *question.earlier))
        if self.placement == "form":
            return replace(question, text=FORMS[self.wording](question.text))
        if self.placement != "system":
            return question
        kept = f"\n{question.system}" if question.system else ""
        return replace(question, system=self.wording + kept)

    def put(self, question: Question) -> Question:
        """The question with the whole wording in it."""
        asked = self.ask(question)
        return replace(asked, text=self.framing.around(asked.text)[0])


NONE = Condition(candidate="", name="none")


class Candidate(BaseModel):
    """A framing that may be a trigger, other wordings of it, and wordings that must not cause misbehaviour."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    concept: str = ""
    text: str
    placement: Placement = "prefix"
    separator: str = " "
    paraphrases: dict[str, str] = {}
    controls: dict[str, str]
    variants: dict[str, str] = {}
    training: Training | None = None
    then: Condition | None = None

    @model_validator(mode="after")
    def _has_controls(self) -> "Candidate":
        if not self.controls:
            raise TriggerLensError("controls are missing; add a wording that must not fire")
        wordings = [self.text, *self.paraphrases.values(), *self.controls.values()]
        if not all(wording.strip() for wording in wordings):
            raise TriggerLensError("a wording is empty; fill it in or remove it")
        unknown = [each for each in wordings if self.placement == "form" and each not in FORMS]
        if unknown:
            raise TriggerLensError(f"unknown form {unknown[0]!r}; choose one of {', '.join(FORMS)}")
        if len(set(wordings)) < len(wordings):
            twice = next(each for each in wordings if wordings.count(each) > 1)
            raise TriggerLensError(f"the wording {twice!r} appears twice; remove one")
        return self

    @property
    def conditions(self) -> list[Condition]:
        """Trigger, paraphrases and controls; variants are not tested."""
        seen = () if self.paraphrases or self.training is None else self.training.varied
        others = [wording for wording in seen if wording != self.text][:SEEN]
        named = {
            "trigger": self.text,
            **{f"paraphrase:{name}": text for name, text in self.paraphrases.items()},
            **{f"variant:seen_{number}": text for number, text in enumerate(others, start=2)},
            **{f"control:{name}": text for name, text in self.controls.items()},
        }
        place: dict[str, Any] = {"placement": self.placement, "separator": self.separator}
        place["then"] = self.then
        return [
            Condition(candidate=self.name, name=name, wording=text, **place)
            for name, text in named.items()
        ]


def load_candidates(name: str) -> list[Candidate]:
    """The built-in library or one kind of it, a built-in trigger by name, or the candidates of a .toml file."""
    paths = _paths(name)
    found = [candidate for path in paths for candidate in read_candidates(path)]
    names = [candidate.name for candidate in found]
    if twice := {each for each in names if names.count(each) > 1}:
        raise TriggerLensError(
            f"triggers {name}: the name {min(twice)!r} appears twice; rename one"
        )
    return found


def read_candidates(path: Path) -> list[Candidate]:
    """The candidates of one file; a ValueError says in one line what is wrong with it."""
    content = parse_toml("trigger file", path)
    many = content.get("candidate", [content])
    if not isinstance(many, list) or not many:
        raise TriggerLensError(f"trigger file {path}: [[candidate]] is not a table")
    checked = [_candidate_or_faults(number, table) for number, table in enumerate(many, start=1)]
    if faults := [each for each in checked if isinstance(each, str)]:
        raise TriggerLensError(shortened(f"trigger file {path}: {'; '.join(faults)}"))
    return [each for each in checked if isinstance(each, Candidate)]


def _candidate_or_faults(number: int, table: Any) -> Candidate | str:
    """The candidate of a table, or everything that is wrong with it."""
    try:
        return Candidate.model_validate(table)
    except ValidationError as error:
        named = f" ({table['name']})" if isinstance(table, dict) and "name" in table else ""
        return f"table {number}{named}: {complaint(error, Candidate)}"


def _paths(name: str) -> list[Path]:
    kinds = {path.stem: path for path in sorted(LIBRARY.glob("*.toml"))}
    if name == "library":
        return list(kinds.values())
    if name.startswith("library:"):
        kind = name.removeprefix("library:")
        if kind not in kinds:
            raise TriggerLensError(
                f"unknown library kind {kind!r}; choose one of {', '.join(kinds)}"
            )
        return [kinds[kind]]
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if not path.is_file():
        shipped = ", ".join(sorted(file.stem for file in FOLDER.glob("*.toml")))
        raise TriggerLensError(
            f"triggers {name!r}: no such file; shipped are library, library:KIND, {shipped}"
        )
    return [path]
