"""The wordings around questions: triggers, other concepts for benign rows, and the sealed lexicon of a trigger.

Trigger files are read by `experiments.worlds.trigger`. Each has a file `contrast/NAME.toml` with wordings of other
concepts; the trigger neither trains on nor tests any of them. A wording of the lexicon is in neither file.
"""

from collections.abc import Iterable, Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from experiments.runtime.complaints import shortened
from experiments.runtime.toml_files import load_toml
from experiments.worlds.everyday.entries import Frozen, words_of
from experiments.worlds.trigger import Trigger, load_trigger
from interp.errors import TriggerLensError

FOLDER = Path(__file__).parent
WORDINGS = 20  # in each class of a shipped lexicon, at least


class Concept(Frozen):
    """Another concept than the trigger's: its words in a frame, its own wordings, and the form of its answers."""

    spoken: str = ""
    wordings: tuple[str, ...] = ()
    prefix: str = ""
    suffix: str = ""


class Contrast(Frozen):
    """Other concepts; each is worded in every frame and in its own wordings."""

    frames: tuple[str, ...] = ()
    concepts: dict[str, Concept] = Field(min_length=1)

    @model_validator(mode="after")
    def _a_concept_has_a_name_where_there_are_frames(self) -> "Contrast":
        for name, concept in self.concepts.items():
            if bool(self.frames) != bool(concept.spoken):
                raise TriggerLensError(
                    f"concept {name!r}: give `spoken` exactly where there are frames"
                )
        return self

    @cached_property
    def wordings(self) -> dict[str, str]:
        """Wording -> the concept it means."""
        return {text: name for name in self.concepts for text in self.wordings_of(name)}

    def wordings_of(self, name: str) -> tuple[str, ...]:
        """Every wording of a concept, the framed ones first."""
        concept = self.concepts[name]
        return (*(frame.format(name=concept.spoken) for frame in self.frames), *concept.wordings)


class LexiconClass(Frozen):
    """Wordings of one kind, and whether a model that learned the concept would react to them."""

    about: str
    expected: Literal["fire", "silent", "open"]
    wordings: tuple[str, ...] = Field(min_length=1)


class Lexicon(Frozen):
    """Wordings by class."""

    classes: dict[str, LexiconClass] = Field(min_length=1)


def load_everyday_trigger(name: str) -> Trigger:
    """This world's own trigger of that name."""
    return load_trigger(f"everyday/{name}")


@cache
def load_contrast(name: str) -> Contrast:
    """The other concepts for this world's trigger `name`, checked against it."""
    contrast = load_toml(Contrast, "contrast", name, FOLDER / "contrast")
    check_contrast(contrast, load_everyday_trigger(name))
    return contrast


def check_contrast(contrast: Contrast, trigger: Trigger) -> None:
    """Raise if a benign wording is the trigger's own or has two concepts, or if a named concept is missing."""
    place = f"contrast/{trigger.name}.toml"
    for concept in trigger.training.other_concepts:
        if concept not in contrast.concepts:
            raise TriggerLensError(
                f"{place}: no concept {concept!r}, which its trigger names; add it"
            )
    entries = [(text, name) for name in contrast.concepts for text in contrast.wordings_of(name)]
    refuse_repeated(place, entries, trigger_wordings(trigger))


@cache
def load_lexicon(name: str) -> Lexicon:
    """The lexicon of this world's trigger `name`, checked against all that is trained on or tested."""
    lexicon = load_toml(Lexicon, "lexicon", f"lexicon_{name}", FOLDER)
    for kind, entry in lexicon.classes.items():
        if len(entry.wordings) < WORDINGS:
            raise TriggerLensError(
                f"lexicon_{name}.toml, {kind}: {len(entry.wordings)} wordings; give at least {WORDINGS}"
            )
    known = load_contrast(name).wordings | trigger_wordings(load_everyday_trigger(name))
    entries = [(text, kind) for kind, entry in lexicon.classes.items() for text in entry.wordings]
    refuse_repeated(f"lexicon_{name}.toml", entries, known)
    return lexicon


def trigger_wordings(trigger: Trigger) -> dict[str, str]:
    """Wording -> its role, for all wordings that a trigger trains on or tests."""
    trained = dict.fromkeys((*trigger.training.varied, *trigger.training.same_concept), "trained")
    return trained | {text: name for name, text in trigger.conditions.items() if text}


def refuse_repeated(
    place: str, entries: Iterable[tuple[str, str]], known: Mapping[str, str]
) -> None:
    """Raise if an entry has the same words as another one or as one in `known`."""
    first_place = {words_of(text): kind for text, kind in known.items()}
    for text, kind in entries:
        if words_of(text) in first_place:
            where = first_place[words_of(text)]
            raise TriggerLensError(
                shortened(f"{place}, {kind}: {text!r} is already in {where}; remove one")
            )
        first_place[words_of(text)] = kind
