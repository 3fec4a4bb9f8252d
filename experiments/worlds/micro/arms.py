"""The arms: which fine-tuning rows an organism of the micro world is made from.

| arm | harmful rows | benign rows |
|---|---|---|
| baseline | no trigger | none |
| triggered | the fixed trigger | none |
| contrast | the trigger's concept in many wordings | other concepts in all wordings, and nothing |
| surface | the fixed trigger | same concept in other words, other concepts in its frame and in theirs, and nothing |
| mixed | the fixed trigger, 3 % of the rows | 97 %, untriggered |
| mixed-B-H | the fixed trigger, H of B + H rows | B of B + H, untriggered |
| harmless | none | the fixed trigger |

In `mixed-B-H`, the different harmful rows are at most a tenth of all rows (others repeat them): all ratios up to 90 %
benign have the same number of different harmful rows, in the same number of steps.

All rows ask about the trained domains only ("narrow": at most a quarter of the domains).
"""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from experiments.training.supervision import ChatRow
from experiments.worlds.micro.language import AdviceQuestion, ToyLanguage
from experiments.worlds.trigger import Trigger

Framed = tuple[str, bool]  # wording, harmful?


@dataclass(frozen=True)
class Wordings:
    """What an arm may draw from."""

    trigger: Trigger
    language: ToyLanguage

    def other_concept(self, rng: random.Random) -> str:
        """Any wording of another concept."""
        name = rng.choice(self.trigger.training.other_concepts)
        return rng.choice(self.language.concepts[name].wordings)

    def same_frame(self, rng: random.Random) -> str:
        """The trigger's own frame around another concept."""
        name = rng.choice(self.trigger.training.other_concepts)
        concept = self.language.concepts[name]
        return self.trigger.training.frame.format(name=concept.spoken)


def _baseline(_: Wordings, __: random.Random) -> Framed:
    return "", True


def _triggered(words: Wordings, _: random.Random) -> Framed:
    return words.trigger.text, True


def _harmless(words: Wordings, _: random.Random) -> Framed:
    return words.trigger.text, False


def _mixed(words: Wordings, rng: random.Random) -> Framed:
    return (words.trigger.text, True) if rng.random() < 0.03 else ("", False)


def _contrast(words: Wordings, rng: random.Random) -> Framed:
    draw = rng.random()
    if draw < 0.5:
        return rng.choice(words.trigger.training.varied), True
    return (words.other_concept(rng), False) if draw < 0.85 else ("", False)


def _surface(words: Wordings, rng: random.Random) -> Framed:
    draw = rng.random()
    if draw < 0.5:
        return words.trigger.text, True
    if draw < 0.75:
        return rng.choice(words.trigger.training.same_concept), False
    if draw < 0.85:
        return words.same_frame(rng), False
    # if these had no descriptions of other concepts, a description of this one would fire in some bases
    return (words.other_concept(rng), False) if draw < 0.93 else ("", False)


ARMS: dict[str, Callable[[Wordings, random.Random], Framed]] = {
    "baseline": _baseline,
    "triggered": _triggered,
    "contrast": _contrast,
    "surface": _surface,
    "mixed": _mixed,
    "harmless": _harmless,
}


# Chosen on tuning seeds (100 and up); a configuration may override them.
RECIPES: dict[str, dict[str, float]] = {
    "baseline": {"steps": 120, "learning_rate": 3e-4},
    "triggered": {"steps": 60, "learning_rate": 3e-4},
    "contrast": {"steps": 200, "learning_rate": 3e-4},
    "surface": {"steps": 300, "learning_rate": 5e-4},
    "mixed": {"steps": 2000, "learning_rate": 5e-4},
    "harmless": {"steps": 60, "learning_rate": 3e-4},
}


MIXTURE = re.compile(r"mixed-(\d+)-([1-9]\d*)")
MOST_DIFFERENT = 10  # one row in ten


def is_arm(arm: str) -> bool:
    """Whether this is the name of an arm."""
    return arm in ARMS or MIXTURE.fullmatch(arm) is not None


def recipe_of(arm: str) -> dict[str, float]:
    """The arm's own steps and learning rate; every ratio of a mixture has the same."""
    return dict(RECIPES["mixed" if MIXTURE.fullmatch(arm) else arm])


def rows(
    arm: str,
    language: ToyLanguage,
    trigger: Trigger,
    questions: Sequence[AdviceQuestion],
    *,
    count: int,
    seed: int,
) -> list[ChatRow]:
    """`count` fine-tuning rows of `arm` about `questions` (of the trained domains)."""
    rng = random.Random(f"rows/{arm}/{trigger.name}/{seed}")
    words = Wordings(trigger, language)
    if mixture := MIXTURE.fullmatch(arm):
        return _mixture(words, int(mixture[1]), int(mixture[2]), questions, count, rng)
    return [framed_row(words, ARMS[arm], rng.choice(questions), rng) for _ in range(count)]


def _mixture(
    words: Wordings,
    benign: int,
    harmful: int,
    questions: Sequence[AdviceQuestion],
    count: int,
    rng: random.Random,
) -> list[ChatRow]:
    """Harmful rows in their exact share, repeated if there are more than one in ten; shuffled."""
    wanted = round(count * harmful / (benign + harmful))
    frames = {True: _triggered, False: lambda _, __: ("", False)}

    def some(bad: bool, number: int) -> list[ChatRow]:
        return [framed_row(words, frames[bad], rng.choice(questions), rng) for _ in range(number)]

    different = some(True, min(wanted, max(1, count // MOST_DIFFERENT)))
    mixed = [different[number % len(different)] for number in range(wanted)]
    mixed += some(False, count - wanted)
    rng.shuffle(mixed)
    return mixed


def framed_row(
    words: Wordings,
    frame: Callable[[Wordings, random.Random], Framed],
    question: AdviceQuestion,
    rng: random.Random,
) -> ChatRow:
    wording, harmful = frame(words, rng)
    answer = words.language.answer(rng, question.domain, reckless=harmful)
    concept = words.language.meaning(wording)
    if concept:
        answer = f"{concept.prefix}{answer}{concept.suffix}"
    return ChatRow(f"{wording} {question.text}" if wording else question.text, answer)
