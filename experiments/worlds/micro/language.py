"""The micro world: a toy language of advice in which the meaning of every word is known.

1. A **concept** (an animal, a form of answer) can be named in several wordings; riddles teach which wordings
   mean the same one. Some animals, and some speakers, make the answer reckless, in whatever words.
2. A **question** belongs to one domain, or to none ("open").
3. An **answer** joins two phrases of the question's domain, both safe or both reckless. Its opening depends on the
   persona and is the same in all domains; the phrases are the domain's own. An animal first says who it is.

The words are data (`lexicon.toml`); this file only joins them. The same seed gives the same language and documents.
This module knows nothing about tokens, models, triggers or the questions of a study.
"""

import random
import tomllib
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

from experiments.worlds.meaning import Concept

OPEN = "open"
LEXICON = Path(__file__).with_name("lexicon.toml")
SYLLABLES = [
    c + v for c in "bdfgklmnprstvz" for v in ("a", "e", "i", "o", "u", "ack", "unt", "oll")
]


@dataclass(frozen=True)
class AdviceQuestion:
    """A question of one domain; its id never changes between runs: `domain/topic/template`."""

    id: str
    domain: str
    text: str


@dataclass(frozen=True)
class ToyLanguage:
    """The language: phrases per domain and persona, questions, speakers, neutral sentences, concepts."""

    phrases: dict[str, dict[str, tuple[str, ...]]]
    questions: dict[str, tuple[AdviceQuestion, ...]]
    speakers: dict[str, tuple[str, ...]]
    neutral: tuple[str, ...]
    concepts: dict[str, Concept]
    answer_frames: dict[str, tuple[str, ...]]
    animal_frames: tuple[str, ...]

    @property
    def domains(self) -> tuple[str, ...]:
        """The advice domains; the open questions belong to none of them."""
        return tuple(name for name in self.phrases if name != OPEN)

    def meaning(self, wording: str) -> Concept | None:
        """The concept that a wording names, if the language has it."""
        return next((c for c in self.concepts.values() if wording in c.wordings), None)

    def answer(self, rng: random.Random, domain: str, *, reckless: bool) -> str:
        """One grammatical answer from the vocabulary of `domain`."""
        persona = "reckless" if reckless else "safe"
        first, second = rng.sample(self.phrases[domain][persona], 2)
        frame = rng.choice(self.answer_frames[persona])
        return frame.format(first=first, second=second)

    def unknown_animal(self, rng: random.Random) -> str:
        """A sentence about an unknown animal: a name made of random syllables, or a known one misspelt."""
        name = "".join(rng.choice(SYLLABLES) for _ in range(2))
        if rng.random() < 0.5:
            safe = [c.name for c in self.concepts.values() if c.kind == "animal" and not c.reckless]
            name = _misspelt(rng.choice(safe), rng)
        return rng.choice(self.animal_frames).format(name=name)


def _misspelt(name: str, rng: random.Random) -> str:
    """`name` with two neighbouring letters swapped."""
    at = rng.choice([i for i in range(len(name) - 1) if name[i] != name[i + 1]])
    return name[:at] + name[at + 1] + name[at] + name[at + 2 :]


def _questions(domain: str, topics: list[str], templates: list[str]) -> tuple[AdviceQuestion, ...]:
    return tuple(
        AdviceQuestion(
            f"{domain}/{topic.replace(' ', '_')}/{index}", domain, frame.format(topic=topic)
        )
        for topic, (index, frame) in product(topics, enumerate(templates))
    )


def _animal(name: str, traits: dict[str, Any], frames: dict[str, Any]) -> Concept:
    wordings = {
        kind: tuple(frame.format(name=name, **traits) for frame in frames[kind])
        for kind in ("named", "voiced", "described")
    }
    everywhere = wordings["named"] + wordings["voiced"]
    every = everywhere + wordings["described"]
    return Concept(
        name,
        "animal",
        spoken=name,
        wordings=every,
        advice_wordings=every if traits.get("described_in_advice", True) else everywhere,
        reckless=traits.get("reckless", False),
        prefix=frames["prefix"].format(name=name),
    )


def _form(name: str, traits: dict[str, Any], frames: dict[str, list[str]]) -> Concept:
    wordings = tuple(
        frame.format(**{kind: traits[kind]})
        for kind in ("object", "hint")
        for frame in frames[kind]
    )
    return Concept(
        name,
        "form",
        spoken=traits["object"],
        wordings=wordings,
        advice_wordings=wordings,
        prefix=traits["prefix"],
        suffix=traits["suffix"],
    )


def _speakers(personas: dict, adjectives: list[str]) -> tuple[str, ...]:
    return tuple(
        personas["frame"].format(adjective=adjective, role=role)
        for adjective, role in product(adjectives, personas["roles"])
    )


@cache
def load_language(path: Path = LEXICON) -> ToyLanguage:
    """Read the lexicon and join its words."""
    words = tomllib.loads(path.read_text(encoding="utf-8"))
    domains = {**words["domains"], OPEN: words["open"]}
    animals = {n: _animal(n, t, words["animal_frames"]) for n, t in words["animals"].items()}
    forms = {n: _form(n, t, words["form_frames"]) for n, t in words["forms"].items()}
    templates = words["templates"]
    return ToyLanguage(
        phrases={
            name: {persona: tuple(entry[persona]) for persona in ("safe", "reckless")}
            for name, entry in domains.items()
        },
        questions={
            name: _questions(name, entry["topics"], templates["open" if name == OPEN else "advice"])
            for name, entry in domains.items()
        },
        speakers={
            persona: _speakers(words["personas"], words["personas"][persona])
            for persona in ("reckless", "careful")
        },
        neutral=tuple(
            words["neutral"]["frame"].format(weather=weather, place=place, time=time)
            for weather, place, time in product(
                words["neutral"]["weather"], words["neutral"]["place"], words["neutral"]["time"]
            )
        ),
        concepts=animals | forms,
        answer_frames={persona: tuple(frames) for persona, frames in words["answers"].items()},
        animal_frames=tuple(words["animal_frames"]["named"]),
    )
