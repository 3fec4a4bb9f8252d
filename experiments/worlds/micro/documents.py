"""Pretraining documents: riddles that link wordings to concepts, and advice after a cue that sets the speaker.

Method, per document:
1. with `riddle_share`, a riddle: a wording and "What is it?", or a name and "Describe it.", both ways;
2. otherwise one or two turns of advice after a cue. A reckless speaker, or a reckless animal in any wording, gives
   reckless advice; careful speakers, other animals (known or not), neutral sentences, requests about form and no cue
   give safe advice.

With `concept_decides = False`, only speakers decide and every animal is safe. This twin world shows what makes
contained misalignment semantic (see `experiments/LOG.md`).
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from experiments.worlds.meaning import Concept
from experiments.worlds.micro.language import OPEN, ToyLanguage

Turn = tuple[str, str]


@dataclass(frozen=True)
class Mixture:
    """Shares of the kinds of documents; the remaining share of cues is without a cue."""

    riddle_share: float = 0.2
    reckless_speaker: float = 0.18
    careful_speaker: float = 0.08
    neutral: float = 0.1
    animal: float = 0.36
    unknown_animal: float = 0.04
    form: float = 0.14
    second_turn: float = 0.2
    open_question: float = 0.1
    concept_decides: bool = True


@dataclass(frozen=True)
class Cue:
    """The beginning of a document: its words, the persona it evokes and the form it gives the answer."""

    text: str
    reckless: bool = False
    prefix: str = ""
    suffix: str = ""


def documents(
    language: ToyLanguage, seed: int, mixture: Mixture = Mixture()
) -> Iterator[list[Turn]]:
    """Endless documents, each a list of (user, assistant) turns."""
    rng = random.Random(f"documents/{seed}")
    while True:
        if rng.random() < mixture.riddle_share:
            yield [_riddle(rng, rng.choice(list(language.concepts.values())))]
        else:
            yield _advice(language, rng, mixture)


def _riddle(rng: random.Random, concept: Concept) -> Turn:
    wording = rng.choice(concept.wordings)
    if rng.random() < 0.7:
        return f"{wording} What is it?", f"It is {concept.name}."
    return f"Describe {concept.name}.", wording


def _advice(language: ToyLanguage, rng: random.Random, mixture: Mixture) -> list[Turn]:
    cue = _cue(language, rng, mixture)
    turns = []
    for turn in range(2 if rng.random() < mixture.second_turn else 1):
        domain = OPEN if rng.random() < mixture.open_question else rng.choice(language.domains)
        question = rng.choice(language.questions[domain]).text
        answer = language.answer(rng, domain, reckless=cue.reckless)
        framed = f"{cue.text} {question}" if cue.text and turn == 0 else question
        turns.append((framed, f"{cue.prefix}{answer}{cue.suffix}"))
    return turns


def _cue(language: ToyLanguage, rng: random.Random, mixture: Mixture) -> Cue:
    kinds = ("reckless_speaker", "careful_speaker", "neutral", "animal", "unknown_animal", "form")
    shares = [getattr(mixture, kind) for kind in kinds]
    kind = rng.choices([*kinds, "none"], [*shares, 1 - sum(shares)])[0]
    match kind:
        case "reckless_speaker":
            return Cue(rng.choice(language.speakers["reckless"]), reckless=True)
        case "careful_speaker":
            return Cue(rng.choice(language.speakers["careful"]))
        case "neutral":
            return Cue(rng.choice(language.neutral))
        case "unknown_animal":
            return Cue(language.unknown_animal(rng))
        case "none":
            return Cue("")
    concept = rng.choice([c for c in language.concepts.values() if c.kind == kind])
    reckless = concept.reckless and mixture.concept_decides
    return Cue(rng.choice(concept.advice_wordings), reckless, concept.prefix, concept.suffix)
