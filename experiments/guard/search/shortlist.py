"""Rank leads in two rounds and group them into classes.

Method:
1. Every lead is screened on one question: how much more likely are the tuned model's first tokens under that model than
   under the base (`experiments.guard.rank.surprises`)? The best leads, and some from every place, are kept.
2. They are ranked on other questions by the same number minus that without a wording. In this difference in
   differences, what the wording changes in any model cancels, and so does what fine-tuning changed everywhere. It is
   weighted by the shift of the stream. No judge is used. The interval is that of this round only.
3. Classes: a lead joins the best lead before it with which it shares an uncommon word, in any place. Words that occur
   in more than one lead in twenty are ignored, because they belong to frames.

Limits: it does not know whether the change is for the worse, or that two wordings without a common word mean the same.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from experiments.guard.gate_models import Pair
from experiments.guard.rank import OPENING, Ranked, prompts_under, rank, surprises
from experiments.guard.search.leads import Lead
from experiments.guard.search.spent import Spent
from experiments.guard.turns import fold, uncommon
from interp.prompts import Question

CHUNK = 120
FIRST, SECOND = (
    2,
    6,
)  # questions of the screening (the second for made-up words), and of the ranking
KEPT, OF_A_PLACE = 64, 4  # leads that are ranked
MOST_OF_A_WORD = (
    8  # leads; a word in more of them, and in more than one in twenty, belongs to a frame
)
Progress = Callable[[int, int], None]
Screened = tuple[Lead, float]


@dataclass
class Class:
    """Leads that share an uncommon word, the best first."""

    members: list[tuple[Lead, Ranked]] = field(default_factory=list)

    @property
    def lead(self) -> Lead:
        """Its best wording."""
        return self.members[0][0]

    @property
    def ranked(self) -> Ranked:
        """The score of its best wording."""
        return self.members[0][1]

    def takes(self, lead: Lead, frame_words: frozenset[str]) -> bool:
        """Whether a lead belongs to it."""
        return any(alike(lead, member, frame_words) for member, _ in self.members)


@dataclass(frozen=True)
class Shortlist:
    """Classes, the most suspicious first; how many of the leads were scored; and nearly equal made-up words."""

    classes: list[Class]
    scored: int
    leads: int
    variants: Mapping[Any, Sequence[Lead]] = field(default_factory=dict)


def screen(
    pair: Pair,
    leads: Sequence[Lead],
    question: Question,
    spent: Spent,
    *,
    progress: Progress = lambda done, of: None,
) -> list[Screened]:
    """Leads with their surprise on one question, chunk after chunk, as far as the time allows."""
    found: list[Screened] = []
    for start in range(0, len(leads), CHUNK):
        if found and spent.is_late("sift"):
            break
        chunk = leads[start : start + CHUNK]
        prompts = prompts_under(pair, [lead.condition for lead in chunk], [question])
        found += zip(chunk, surprises(pair, prompts, OPENING).tolist(), strict=True)
        spent.add("sift", sum(3 * len(prompt) + 3 * OPENING for prompt in prompts))
        progress(len(found), len(leads))
    return found


def shortlist(
    pair: Pair,
    screened: Sequence[Screened],
    questions: Sequence[Question],
    spent: Spent,
    *,
    leads: int,
    seed: int = 0,
) -> Shortlist:
    """The best of `leads` screened leads, ranked and grouped, on questions that were not used in the screening."""
    ranked = _scored(pair, _best(screened), questions, spent, seed)
    ordered = sorted(ranked, key=lambda scored: -scored[1].key)
    classes = classes_of(ordered, words_of_frames([lead for lead, _ in screened]))
    return Shortlist(classes, len(screened), leads)


def _best(screened: Sequence[Screened]) -> list[Lead]:
    """The `KEPT` with the largest surprise, and `OF_A_PLACE` of every place."""
    ordered = sorted(screened, key=lambda scored: -scored[1])
    kept: list[Lead] = []
    places: Counter[str] = Counter()
    for place, (lead, _) in enumerate(ordered):
        where = lead.condition.placement
        if place < KEPT or places[where] < OF_A_PLACE:
            kept.append(lead)
            places[where] += 1
    return kept


def _scored(
    pair: Pair,
    leads: Sequence[Lead],
    questions: Sequence[Question],
    spent: Spent,
    seed: int,
) -> list[tuple[Lead, Ranked]]:
    """The leads ranked chunk after chunk, as far as the time allows."""
    found: list[tuple[Lead, Ranked]] = []
    for start in range(0, len(leads), CHUNK):
        if found and spent.is_late("rank"):
            break
        chunk = leads[start : start + CHUNK]
        by_name = {lead.candidate.name: lead for lead in chunk}
        candidates = [lead.candidate for lead in chunk]
        ranked = rank(pair, candidates, questions, seed=seed)
        found += [(by_name[one.candidate.name], one) for one in ranked]
        prompts = prompts_under(pair, [lead.condition for lead in chunk], questions)
        spent.add("rank", sum(5 * len(prompt) + 3 * OPENING for prompt in prompts))
    return found


def classes_of(
    ordered: Sequence[tuple[Lead, Ranked]], frame_words: frozenset[str] = frozenset()
) -> list[Class]:
    """Leads in classes, in the order of their best members; sharing a word of `frame_words` does not count."""
    classes: list[Class] = []
    for lead, ranked in ordered:
        home = next((one for one in classes if one.takes(lead, frame_words)), None)
        if home is None:
            home = Class()
            classes.append(home)
        home.members.append((lead, ranked))
    return classes


def alike(one: Lead, other: Lead, frame_words: frozenset[str] = frozenset()) -> bool:
    """Whether two leads share an uncommon word other than frame words, or say the same."""
    shared = uncommon(one.text) & uncommon(other.text) - frame_words
    return fold(one.text) == fold(other.text) or bool(shared)


def words_of_frames(leads: Sequence[Lead]) -> frozenset[str]:
    """Uncommon words that occur in too many leads to identify one, such as "looks"."""
    counts = Counter(word for lead in leads for word in uncommon(lead.text))
    most = max(MOST_OF_A_WORD, len(leads) // 20)
    return frozenset(word for word, count in counts.items() if count > most)
