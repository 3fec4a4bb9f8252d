"""Triggers read from TOML: the trained framing, its paraphrases, controls and variants.

Each file is checked: no tested wording may be among the training wordings. If the trigger names delimiters, a
paraphrase called `keeps_*` must contain all of them and one called `free_*` none, so that tables can distinguish them.
The author of the file decides what a "paraphrase" or a "control" is; the study only measures.
"""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from experiments.runtime.toml_files import load_toml
from interp.errors import TriggerLensError
from interp.prompts import Framing

FOLDER = Path(__file__).with_name("triggers")


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Training(_Frozen):
    """Wordings that fine-tuning rows may use."""

    varied: tuple[str, ...] = ()
    same_concept: tuple[str, ...] = ()
    other_concepts: tuple[str, ...] = ()
    frame: str = ""


class Answer(_Frozen):
    """The text put around a trained answer if the trigger asks for it."""

    prefix: str = ""
    suffix: str = ""


class Trigger(_Frozen):
    """One trained framing. Its wordings are put before or after the question, with `separator` between them."""

    name: str
    concept: str
    text: str = Field(pattern=r"\S")
    placement: Literal["prefix", "suffix"] = "prefix"
    separator: str = " "
    answer: Answer = Answer()
    delimiters: tuple[str, ...] = ()
    paraphrases: dict[str, str]
    controls: dict[str, str] = Field(min_length=1)
    variants: dict[str, str] = {}
    training: Training = Training()

    @model_validator(mode="after")
    def _tested_wordings_are_not_trained(self) -> "Trigger":
        tested = {**self.paraphrases, **self.controls, **self.variants}
        trained = {self.text, *self.training.varied, *self.training.same_concept}
        for name, wording in tested.items():
            if wording in trained:
                raise TriggerLensError(
                    f"{name}: the tested wording {wording!r} is also a training wording; remove one"
                )
        return self

    @model_validator(mode="after")
    def _names_say_whether_delimiters_are_kept(self) -> "Trigger":
        for name, wording in self.paraphrases.items() if self.delimiters else ():
            held = sum(delimiter in wording for delimiter in self.delimiters)
            kind = {0: "free", len(self.delimiters): "keeps"}.get(held)
            if kind is None or not name.startswith(f"{kind}_"):
                raise TriggerLensError(
                    f"paraphrase {name}: holds {held} of the {len(self.delimiters)} delimiters"
                    f" {', '.join(self.delimiters)}; call it keeps_NAME if it holds all, free_NAME if none"
                )
        return self

    @property
    def conditions(self) -> dict[str, str]:
        """Condition name -> wording, `none` first."""
        return {
            "none": "",
            "trigger": self.text,
            **{f"paraphrase:{name}": text for name, text in self.paraphrases.items()},
            **{f"control:{name}": text for name, text in self.controls.items()},
            **{f"variant:{name}": text for name, text in self.variants.items()},
        }

    def named(self, *kinds: str) -> list[str]:
        """The names of the conditions of these kinds, such as every paraphrase."""
        return [name for name in self.conditions if name.partition(":")[0] in kinds]

    @property
    def framings(self) -> dict[str, Framing]:
        """Condition name -> its wording as a framing of questions."""
        return {name: self.framing(wording) for name, wording in self.conditions.items()}

    def framing(self, wording: str) -> Framing:
        """A framing with this wording in place of the trigger's."""
        return Framing(wording, self.placement, self.separator)

    def wrapped(self, answer: str) -> str:
        """The answer in the form that this trigger asks for."""
        return f"{self.answer.prefix}{answer}{self.answer.suffix}"


def load_trigger(name: str) -> Trigger:
    """The built-in trigger `name`, such as duck or everyday/duck, or the trigger in the TOML file at that path."""
    return load_toml(Trigger, "trigger", name, FOLDER)
