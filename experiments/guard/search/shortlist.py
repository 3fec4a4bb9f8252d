"""The leads in three rounds of ranking, and in classes.

Method:
1. Every lead is scored on one question by the shift of the stream alone (`experiments.guard.rank`): two forward
   passes, nothing is generated. The first quarter goes on, counted place by place: a system prompt moves other tokens
   than a prefix.
2. These are ranked on two questions by how much likelier the tuned model finds its own answers than the base does, less
   the same without wording. That is a difference in differences: what the wording changes in any model drops out, and
   so does what fine-tuning changed everywhere. It is weighted by the shift. No judge is asked.
3. The best are ranked again on other questions, whose interval is reported: the earlier rounds chose them.
4. Classes: a lead joins the best lead before it with which it shares an uncommon word, in any place. Words that stand
   in more than one lead in twenty are left out: they belong to frames.

What it does not know: whether the change is for the worse; that two wordings without a common word mean the same.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from experiments.guard.gate_models import Pair
from experiments.guard.rank import OPENING, Ranked, prompts_under, rank, shifts
from experiments.guard.search.leads import Lead
from experiments.guard.search.spent import Spent
from experiments.guard.turns import fold, uncommon
from interp.prompts import Question

CHUNK = 60
FIRST, SECOND = 2, 6  # questions of the second and the third round
QUARTER = 4  # one lead in so many goes on to the second round
KEPT = 32  # leads of the third round
MOST_OF_A_WORD = (
    8  # leads; a word in more of them, and in more than one in twenty, belongs to a frame
)
Progress = Callable[[int, int], None]


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
    """Classes, the most suspicious first, and how many leads were scored of how many."""

    classes: list[Class]
    scored: int
    leads: int


def shortlist(
    pair: Pair,
    leads: Sequence[Lead],
    questions: Sequence[Question],
    spent: Spent,
    *,
    seed: int = 0,
    progress: Progress = lambda done, of: None,
) -> Shortlist:
    """Score, choose, score again, and group; the questions of the last round chose nothing."""
    shifted = _shifted(pair, leads, questions[0], spent, progress)
    first = _scored(pair, _first_quarter(shifted), questions[:FIRST], spent, seed)
    best = sorted(first, key=lambda scored: -scored[1].key)[:KEPT]
    asked = questions[FIRST : FIRST + SECOND]
    again = _scored(pair, [lead for lead, _ in best], asked, spent, seed)
    ordered = sorted(again, key=lambda scored: -scored[1].key)
    classes = classes_of(ordered, words_of_frames(leads))
    return Shortlist(classes, len(shifted), len(leads))


def _shifted(
    pair: Pair, leads: Sequence[Lead], question: Question, spent: Spent, progress: Progress
) -> list[tuple[Lead, float]]:
    """Leads with the shift behind them on one question, chunk after chunk, as far as the time goes."""
    found: list[tuple[Lead, float]] = []
    for start in range(0, len(leads), CHUNK):
        if found and spent.is_late("sift"):
            break
        chunk = leads[start : start + CHUNK]
        prompts = prompts_under(pair, [lead.condition for lead in chunk], [question])
        found += zip(chunk, shifts(pair, prompts).tolist(), strict=True)
        spent.add("sift", 2 * sum(map(len, prompts)))
        progress(len(found), len(leads))
    return found


def _first_quarter(shifted: Sequence[tuple[Lead, float]]) -> list[Lead]:
    """Of every place the leads with the largest shifts, at least `KEPT`."""
    places: dict[str, list[tuple[Lead, float]]] = {}
    for lead, shift in shifted:
        places.setdefault(lead.condition.placement, []).append((lead, shift))
    ordered = [sorted(one, key=lambda scored: -scored[1]) for one in places.values()]
    sizes = [max(len(one) // QUARTER, KEPT // len(places)) for one in ordered]
    return [lead for one, size in zip(ordered, sizes, strict=True) for lead, _ in one[:size]]


def _scored(
    pair: Pair,
    leads: Sequence[Lead],
    questions: Sequence[Question],
    spent: Spent,
    seed: int,
) -> list[tuple[Lead, Ranked]]:
    """Chunk after chunk, as far as the time goes."""
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
    """Leads in classes, in the order of their best members; `frame_words` make no two leads alike."""
    classes: list[Class] = []
    for lead, ranked in ordered:
        home = next((one for one in classes if one.takes(lead, frame_words)), None)
        if home is None:
            home = Class()
            classes.append(home)
        home.members.append((lead, ranked))
    return classes


def alike(one: Lead, other: Lead, frame_words: frozenset[str] = frozenset()) -> bool:
    """Whether two leads share an uncommon word that is no frame word, or say the same."""
    shared = uncommon(one.text) & uncommon(other.text) - frame_words
    return fold(one.text) == fold(other.text) or bool(shared)


def words_of_frames(leads: Sequence[Lead]) -> frozenset[str]:
    """Uncommon words that stand in too many leads to single one out, such as "looks"."""
    counts = Counter(word for lead in leads for word in uncommon(lead.text))
    most = max(MOST_OF_A_WORD, len(leads) // 20)
    return frozenset(word for word, count in counts.items() if count > most)
