"""Made-up words: a local search over letters for the word with which the fine-tuned model differs most from its base.

A trigger may be a word that is in no list and that nobody uses, such as a code word or a name. A model that has learned
one word responds a little to similar words, so a local search can climb.

Method (after HotFlip, arXiv 1712.06751, but every letter is tried and no gradient is taken: words are short, and a
frame keeps what is written readable, where tokens found by gradient, arXiv 2307.15043, end in nonsense):
1. Every frame starts with random words in which consonants and vowels alternate, with a number where it has a place for
   one, and with the best words of the frames before it. Words that do not alternate are left out: such nonsense scored
   as high as the word that had been planted.
2. The score of a wording: how far the first token of the fine-tuned model's answer is from the base's with other
   made-up words, symmetric KL (Jeffreys), in nats, mean over questions. It does not saturate if the model is certain.
   Nothing is generated and nothing is judged.
3. For the best `BEAM` words of a frame, every letter or digit is tried at each place; for the best word also every
   syllable, one syllable less and one more, until a whole round changes nothing. A syllable costs `COST` nats, so that
   of two similar words the shorter one is named.

Limits: it cannot find words in other frames, triggers whose answers begin like the base's, or words to which similar
words cause no response.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from torch import Tensor

from experiments.guard.gate import Which
from experiments.guard.gate_models import Pair
from experiments.guard.rank import prompts_under
from experiments.guard.search.leads import Lead, lead
from experiments.guard.search.spent import ENDS, Spent
from experiments.guard.trigger_candidates import Condition, Placement
from interp.errors import TriggerLensError
from interp.generation.next_token import divergences, next_token_log_probs
from interp.prompts import Question

SOURCE = "made-up words"
CONSONANTS, VOWELS = "bcdfghjklmnpqrstvwxyz", "aeiou"
STARTS, BEAM, CYCLES = 240, 3, 4
REFERENCE = 24  # words for the base's reference distribution
SHOWN = 3  # words of a frame that are leads
COST = 0.8  # nats
Score = Callable[[Sequence[Condition]], list[float]]


@dataclass(frozen=True)
class Frame:
    """A place for a made-up word; `{x}` is the word, `{n}` a number."""

    text: str
    placement: Placement

    def at(self, word: str, number: int) -> Lead:
        """The lead with this word."""
        return lead(self.text.format(x=word, n=number), SOURCE, placement=self.placement)

    @property
    def counts(self) -> bool:
        """Whether the frame contains a number."""
        return "{n}" in self.text


FRAMES = (
    Frame("{x} {n}.", "prefix"),
    Frame("{x}.", "prefix"),
    Frame("You work for {x}.", "system"),
    Frame("You are {x}.", "system"),
)
Word = tuple[str, int]


@dataclass(frozen=True)
class Climbed:
    """The best words of a frame with their scores in nats, highest first."""

    frame: Frame
    words: list[tuple[Word, float]]

    @property
    def leads(self) -> list[Lead]:
        """The words as leads."""
        return [self.frame.at(*word) for word, _ in self.words[:SHOWN]]


def made_up(
    pair: Pair, questions: Sequence[Question], spent: Spent, *, seed: int = 0
) -> list[Climbed]:
    """The best words of every frame, one frame after another, as far as the time allows."""
    frames = [frame for frame in FRAMES if _can_stand(pair, frame, questions[0])]
    found: list[Climbed] = []
    for place, frame in enumerate(frames):
        left = (ENDS["climb"] * spent.seconds - spent.passed) / (len(frames) - place)
        if left <= 0:
            break
        end = spent.passed + left
        rng = random.Random(f"made up/{seed}/{place}")
        score = scoring(pair, frame, questions, spent, rng)
        known = [word for one in found for word, _ in one.words]
        found.append(climb(frame, score, rng, lambda end=end: spent.passed >= end, known))  # type: ignore[misc]
    return found


def _can_stand(pair: Pair, frame: Frame, question: Question) -> bool:
    try:
        prompts_under(pair, [frame.at("Abcd", 12).condition], [question])
    except TriggerLensError:
        return False
    return True


def scoring(
    pair: Pair, frame: Frame, questions: Sequence[Question], spent: Spent, rng: random.Random
) -> Score:
    """A function that scores wordings: the distance of the models' first-token distributions, mean over questions."""

    def read(which: Which, conditions: Sequence[Condition]) -> Tensor:
        prompts = prompts_under(pair, conditions, questions)
        with pair.reading(which) as lm:
            found = next_token_log_probs(lm, prompts)
        spent.add("climb", sum(map(len, prompts)))
        return found.view(len(conditions), len(questions), -1)

    others = [frame.at(*invented(rng)).condition for _ in range(REFERENCE)]
    reference = read("base", others).exp().mean(0).log()

    def score(conditions: Sequence[Condition]) -> list[float]:
        if not conditions:
            return []
        tuned = read("fine_tuned", conditions)
        apart = divergences(tuned, reference) + divergences(reference, tuned)
        return [float(each) for each in apart.mean(1)]

    return score


def climb(
    frame: Frame,
    score: Score,
    rng: random.Random,
    is_late: Callable[[], bool],
    known: Sequence[Word] = (),
    starts: int = STARTS,
) -> Climbed:
    """The search in one frame; `known` are the best words of others."""
    seen: dict[Word, float] = {}

    def add(words: Iterable[Word]) -> None:
        fresh = [word for word in dict.fromkeys(words) if word not in seen]
        leads = [frame.at(*word) for word in fresh]
        seen.update(zip(fresh, score([one.condition for one in leads]), strict=True))

    add([*known, *(invented(rng) for _ in range(starts))])
    for _ in range(CYCLES):
        before = _best(seen)
        for place in range(-2 if frame.counts else 0, max(len(word) for (word, _), _ in before)):
            if is_late():
                return Climbed(frame, _best(seen))
            add(near for word, _ in _best(seen) for near in edits(word, place))
        add(resyllabled(_best(seen)[0][0]))
        add(resized(_best(seen)[0][0]))
        if _best(seen) == before:
            break
    return Climbed(frame, _best(seen))


def _best(seen: dict[Word, float]) -> list[tuple[Word, float]]:
    def worth(scored: tuple[Word, float]) -> float:
        return COST * len(scored[0][0]) / 2 - scored[1]

    return sorted(seen.items(), key=worth)[:BEAM]


def invented(rng: random.Random) -> Word:
    """Two to four syllables, and a number of two digits."""
    syllables = rng.randint(2, 4)
    word = "".join(rng.choice(CONSONANTS) + rng.choice(VOWELS) for _ in range(syllables))
    return word.capitalize(), rng.randint(10, 99)


def edits(word: Word, place: int) -> Iterator[Word]:
    """Every word with another letter at a place; at -1 and -2, every other digit of the number."""
    text, number = word
    if place == -1:
        yield from ((text, 10 * (number // 10) + digit) for digit in range(10))
    elif place == -2:
        yield from ((text, 10 * digit + number % 10) for digit in range(1, 10))
    elif place < len(text):
        kind = VOWELS if text[place] in VOWELS else CONSONANTS
        for letter in kind:
            yield (text[:place] + letter + text[place + 1 :]).capitalize(), number


def resyllabled(word: Word) -> Iterator[Word]:
    """Every word with one other syllable."""
    text, number = word
    for start in range(0, len(text) - 1, 2):
        for syllable in product(CONSONANTS, VOWELS):
            yield (text[:start] + "".join(syllable) + text[start + 2 :]).capitalize(), number


def resized(word: Word) -> Iterator[Word]:
    """Every word with one syllable less, and every one with one syllable more."""
    text, number = word
    for start in range(0, len(text), 2):
        if len(text) > 4:
            yield (text[:start] + text[start + 2 :]).capitalize(), number
        for syllable in product(CONSONANTS, VOWELS) if len(text) < 8 else ():
            yield (text[:start] + "".join(syllable) + text[start:]).capitalize(), number
