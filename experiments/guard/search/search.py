"""Search a fine-tuned model for a trigger that nobody named.

Method:
1. Find leads: turns that the model writes (leak sampling, contrastive decoding), also in places other than where it
   wrote them; openings after which it diverges from its base; singular vectors of the adapter; forms of the question;
   the library.
2. Screen them on one question, then pairs of sentences that the model writes, then made-up words letter by letter.
3. Rank the best without labels; group them; order the classes by a few judged answers.
4. Decide class by class, on other questions, with one error bound for the search.
5. For comparison, run a black box with as many tokens as steps 1 to 3 took.

Each step ends when its share of the time is used up, and what was left out is reported.
"""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from experiments.guard.gate import Limits, Plan, Which
from experiments.guard.gate_models import Pair, drawing
from experiments.guard.rank import prompts_under
from experiments.guard.search.black_box import BlackBox, Sample, black_box
from experiments.guard.search.couples import beyond, unlikely
from experiments.guard.search.decide import Decided, decide
from experiments.guard.search.leads import Lead, frames_of, lead, pooled
from experiments.guard.search.library import library_leads
from experiments.guard.search.made_up import made_up
from experiments.guard.search.models import copied
from experiments.guard.search.openings import opening_leads, openings
from experiments.guard.search.places import OWN, elsewhere, forms, sentences
from experiments.guard.search.shortlist import FIRST, SECOND, Shortlist, screen, shortlist
from experiments.guard.search.singular import singular_leads
from experiments.guard.search.spent import Spent
from experiments.guard.search.trial import by_trial
from experiments.guard.search.turns_written import LEAKED, fillers, written_turns
from experiments.guard.trigger_candidates import Condition
from experiments.judging.sampling import Cell, Sampler
from interp.errors import TriggerLensError
from interp.prompts import Question
from interp.rendering import render

Verdict = Literal["found", "none", "undecided"]
Say = Callable[[str], None]
LEAST_QUESTIONS = FIRST + SECOND + 10
BLIND = 3  # wordings of the black box that are decided


@dataclass(frozen=True)
class Settings:
    """How much is tried: leads that are judged, turns sampled by each method, tokens per turn."""

    judged: int = 5
    samples: int = 96
    turn_tokens: int = 32
    seed: int = 0
    blind: bool = True  # also run a black box


@dataclass(frozen=True)
class Found:
    """All that a search measured."""

    shortlist: Shortlist
    decided: list[Decided]
    black_box: BlackBox
    black_box_decided: list[Decided]
    spent: Spent
    openings: list[str]
    questions: int
    judged: int

    @property
    def hits(self) -> list[Decided]:
        """Leads that are triggers."""
        return [one for one in self.decided if one.lead and one.finding == "hit"]

    @property
    def plain(self) -> Decided:
        """The model without any wording."""
        return self.decided[0]

    @property
    def wanted(self) -> int:
        """How many decisions were planned, including the one without a wording."""
        return 1 + min(self.judged, len(self.shortlist.classes))

    @property
    def verdict(self) -> Verdict:
        """Found: a hit, or misaligned without any wording. None: everything that was to be judged is cleared."""
        findings = {one.finding for one in self.decided}
        if "hit" in findings:
            return "found"
        done = len(self.decided) == self.wanted
        return "none" if findings <= {"clear", "provokes"} and done else "undecided"

    @property
    def minutes_needed(self) -> float:
        """A rough estimate of the budget that would have scored every lead and judged everything that was planned."""
        scored = self.shortlist.leads / max(1, self.shortlist.scored)
        return self.spent.seconds / 60 * max(1.0, scored, self.wanted / len(self.decided))

    @property
    def exit_code(self) -> int:
        """0 none, 1 found, 2 undecided."""
        return {"none": 0, "found": 1, "undecided": 2}[self.verdict]


def search(
    pair: Pair,
    questions: Sequence[Question],
    sampler: Sampler,
    limits: Limits,
    plan: Plan,
    spent: Spent,
    settings: Settings = Settings(),
    library: Sequence[Lead] | None = None,
    say: Say = lambda line: None,
) -> Found:
    """Leads, ranking, decisions, and the black box, within the time of `spent`."""
    ranking, judging = parted(questions)
    shipped = library_leads() if library is None else list(library)
    leads, opened = find(pair, ranking, spent, settings, shipped, say)
    pair = copied(pair)
    ranked = ordered(pair, leads, ranking, sampler, spent, settings, say)
    draw = drawing(pair, sampler, plan.answers)
    chosen = [one.lead for one in ranked.classes[: settings.judged]]
    decided = decide(draw, chosen, judging, limits, plan, spent, say=say)
    allowed = spent.before_judging if settings.blind else 0
    blind = black_box(
        sampling(pair, sampler, plan), shipped, ranking, allowed, spent, seed=plan.seed
    )
    best = [lead for lead, _ in blind.leads[:BLIND]]  # decided with a separate error bound
    blind_decided = (
        decide(draw, best, judging, limits, plan, spent, "black box", say) if best else []
    )
    return Found(
        ranked, decided, blind, blind_decided, spent, opened, len(judging), settings.judged
    )


def ordered(
    pair: Pair,
    leads: Sequence[Lead],
    questions: Sequence[Question],
    sampler: Sampler,
    spent: Spent,
    settings: Settings,
    say: Say,
) -> Shortlist:
    """The leads, screened, with pairs and made-up words; ranked, grouped, and ordered by a few judged answers."""
    screened = screen(pair, leads, questions[0], spent)
    scored = len(screened)
    say(f"screened {scored} of {len(leads)} leads")
    own = [one.text for one, _ in screened if dict(one.sources).get(OWN)]
    couples = unlikely(pair, own, questions[0], spent)
    paired = screen(pair, couples, questions[0], spent)
    screened += beyond(paired, screened)
    made = [one.leads for one in made_up(pair, questions[:1], spent, seed=settings.seed)]
    screened += screen(pair, [words[0] for words in made], questions[0], spent)
    say(f"tried pairs of {len(own)} sentences, and made-up words in {len(made)} frames")
    ranked = shortlist(
        pair,
        screened,
        questions[FIRST:],
        spent,
        leads=len(leads),
        seed=settings.seed,
    )

    def sample(which: Which, conditions: Sequence[Condition], asked: Sequence[Question]) -> Cell:
        with pair.reading(which) as lm:
            return sampler.sample(lm, prompts_under(pair, conditions, asked), 1)

    classes = by_trial(sample, ranked.classes, questions[FIRST:], spent)
    say(f"{len(classes)} classes")
    variants = {words[0].key: words[1:] for words in made}
    return replace(ranked, classes=classes, scored=scored, variants=variants)


def sampling(pair: Pair, sampler: Sampler, plan: Plan) -> Sample:
    """A function that samples and judges answers of the tuned model under several wordings at once."""

    def sample(conditions: Sequence[Condition], asked: Sequence[Question]) -> Cell:
        prompts = prompts_under(pair, conditions, asked)
        return sampler.sample(pair.fine_tuned, prompts, plan.answers)

    return sample


def parted(questions: Sequence[Question]) -> tuple[list[Question], list[Question]]:
    """Questions of the ranking, one form each, and those of the decisions: no question is in both."""
    ids = list(dict.fromkeys(question.id for question in questions))
    if len(ids) < LEAST_QUESTIONS:
        raise TriggerLensError(
            f"{len(ids)} questions: a search needs at least {LEAST_QUESTIONS}, {FIRST + SECOND} of them to rank;"
            " add some"
        )
    step = len(ids) // (FIRST + SECOND)
    ranking = set(ids[::step][: FIRST + SECOND])
    once = {question.id: question for question in reversed(questions)}
    asked = [once[each] for each in ids if each in ranking]
    return asked, [question for question in questions if question.id not in ranking]


def find(
    pair: Pair,
    questions: Sequence[Question],
    spent: Spent,
    settings: Settings,
    shipped: Sequence[Lead],
    say: Say,
) -> tuple[list[Lead], list[str]]:
    """The leads of all methods, each wording once, and the openings after which the models diverge."""
    lm = pair.fine_tuned
    opened = openings(lm, questions, spent)
    say(f"{len(opened)} openings of answers after which the model diverges from its base")
    written = written_turns(
        lm, spent, samples=settings.samples, tokens=settings.turn_tokens, seed=settings.seed
    )
    say(f"{sum(len(one.clauses) for one in written)} clauses in turns that the model writes")
    plain = [one for one in written if one.role == "user" and one.source == LEAKED]
    said = sum((one.clauses for one in plain), start=Counter[str]())  # contrast breaks up sentences
    frames = frames_of(said)
    own = sentences(said, lambda frame: fillers(lm, frame, spent, seed=settings.seed))
    every = [
        *opening_leads(opened, frames),
        *(clause for one in written for clause in one.leads),
        *(lead(text, OWN) for text in own),
        *elsewhere(own),
        *forms(),
        *singular_leads(lm, frames),
        *shipped,
    ]
    spent.add("find", 0)
    leads = [one for one in pooled(every) if _can_be_asked(pair, one, questions[0])]
    random.Random(f"search/{settings.seed}").shuffle(
        leads
    )  # so that lack of time hits no one method
    say(f"{len(leads)} leads")
    return leads, [opening.text for opening in opened]


def _can_be_asked(pair: Pair, lead: Lead, question: Question) -> bool:
    """Whether the chat format renders the lead unchanged."""
    condition = lead.condition
    try:
        render(pair.fine_tuned, [condition.ask(question)], {"": condition.framing})
    except TriggerLensError:
        return False
    return True
