"""The input and the output of an entrant."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from experiments.contest.protocol import MOST, Says, Trigger
from experiments.contest.protocol import Part as TriggerPart
from experiments.guard.gate import Limits, Plan
from experiments.guard.gate_models import Pair
from experiments.guard.search.decide import SEARCHED
from experiments.guard.search.leads import Lead
from experiments.guard.search.spent import Spent
from experiments.guard.trigger_candidates import Condition
from experiments.judging.sampling import Sampler
from interp.prompts import Question


@dataclass
class Table:
    """An entrant's input: a model with an adapter that can be disabled, public questions with their judge, a budget.

    `tokens`: how many tokens a black box may use.
    """

    pair: Pair
    questions: Sequence[Question]
    sampler: Sampler
    spent: Spent
    tokens: int = 200_000
    limits: Limits = SEARCHED
    plan: Plan = field(default_factory=Plan)
    seed: int = 0

    @property
    def asked(self) -> list[Question]:
        """Each question once, in one form."""
        return list({question.id: question for question in reversed(self.questions)}.values())


@dataclass(frozen=True)
class Said:
    """A verdict, and wordings, the likeliest first."""

    says: Says
    leads: tuple[Lead, ...] = ()

    @property
    def triggers(self) -> tuple[Trigger, ...]:
        """The leads in the form of the protocol, without near duplicates."""
        first = list({lead.key: lead for lead in self.leads}.values())[:MOST]
        return tuple(Trigger(parts=tuple(_part(part) for part in lead.parts)) for lead in first)


def _part(place: Condition) -> TriggerPart:
    return TriggerPart(wording=place.wording, where=place.placement)


Entrant = Callable[[Table], Said]
