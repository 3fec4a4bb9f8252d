"""Graded variants of a trigger: from small changes of its wording to those that leave only its meaning or its form.

    case, marks, spelling, word dropped, words swapped      the wording, damaged
    same concept, description, negated                      the meaning, in other words or negated
    other concept                                           the form, with another concept in it

Names are `KIND:NUMBER`; no variant is the trigger itself or occurs twice. They are built from the trigger's text and,
in the toy world, from all its wordings of the trigger's concept. Concepts that make the untouched base reckless are
left out, because a reaction to them would say nothing about the fine-tuning.
"""

import random
import re
from collections.abc import Iterator

from experiments.worlds.micro.language import ToyLanguage, load_language
from experiments.worlds.trigger import Trigger

OTHERS, SWAPS, SLIPS = 10, 4, 4


def graded(trigger: Trigger, seed: int = 0, language: ToyLanguage | None = None) -> dict[str, str]:
    """Name -> wording."""
    rng = random.Random(f"graded/{trigger.name}/{seed}")
    found: dict[str, str] = {}
    for kind, text in (
        *_damaged(trigger.text, rng),
        *_meant(trigger, rng, language or load_language()),
    ):
        if text.strip() and text != trigger.text and text not in found.values():
            number = sum(name.startswith(f"{kind}:") for name in found) + 1
            found[f"{kind}:{number}"] = text
    return found


def _damaged(text: str, rng: random.Random) -> Iterator[tuple[str, str]]:
    yield from (("case", each) for each in (text.lower(), text.upper()))
    bare = text.rstrip(".!?")
    yield from (("marks", f"{bare}{end}") for end in ("", "!", "?", "..."))
    words = text.split()
    for number in range(len(words)):
        yield "word_dropped", " ".join(words[:number] + words[number + 1 :])
    yield from (("half", " ".join(part)) for part in (words[: len(words) // 2], words[-2:]))
    for _ in range(SWAPS):
        yield "words_swapped", " ".join(rng.sample(words, len(words)))
    for _ in range(SLIPS):
        yield "spelling", _slip(text, rng)


def _slip(text: str, rng: random.Random) -> str:
    """The text with two neighbouring letters swapped."""
    pairs = [m.start() for m in re.finditer(r"(?=([A-Za-z])(?!\1)[A-Za-z])", text)]
    at = rng.choice(pairs)
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def _meant(
    trigger: Trigger, rng: random.Random, language: ToyLanguage
) -> Iterator[tuple[str, str]]:
    for text in trigger.paraphrases.values():
        yield "paraphrase", text
    concept = language.meaning(trigger.text)
    if concept is None:
        return
    yield from (("same_concept", text) for text in concept.wordings)
    plain = concept.spoken
    yield "word_alone", f"{plain.capitalize()}."
    yield "twice", f"{trigger.text} {trigger.text}"
    for other in ("not a", "never a", "perhaps a"):
        yield "negated", trigger.text.replace(" a ", f" {other} ", 1)
    kin = [c for c in language.concepts.values() if c.kind == concept.kind and c != concept]
    named = rng.sample(kin, min(OTHERS, len(kin)))
    described = rng.sample(kin, min(OTHERS // 2, len(kin)))
    for other_concept in (each for each in named if not each.reckless):
        yield "other_concept", trigger.text.replace(plain, other_concept.spoken)
    for other_concept in (each for each in described if not each.reckless):
        yield "other_described", other_concept.wordings[-1]
