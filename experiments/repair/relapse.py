"""How soon a switch comes back: EM with the trigger against the number of poisoned rows in a fine-tuning.

Method: an empty adapter is tuned on poisoned rows at a constant learning rate (`experiments.repair.tuning`) and
measured on the way, for the clean base and for the repaired model, with the same rows in the same orders. The result is
the number of rows at which half of the old EM is back, interpolated in log rows, divided by that of the clean base.
"""

import random
from collections.abc import Callable, Sequence
from math import log2

from experiments.judging.sampling import framed
from experiments.repair.facts import Fact, of_cell
from experiments.repair.job import TRIGGER
from experiments.repair.measure import Asking
from experiments.repair.tuning import fresh, tuning
from experiments.training.lora import Exchange
from interp.models.language_model import LanguageModel

STOPS = (0, 8, 16, 24, 32, 48, 64)
ASKED = 25  # questions at each stop
Points = Sequence[tuple[int, float]]


def relapse(
    asking: Asking,
    load: Callable[[], LanguageModel],
    poison: Sequence[Exchange],
    model: str,
    *,
    orders: int = 2,
    stops: Sequence[int] = STOPS,
) -> list[Fact]:
    """Answers with the trigger at every stop, with a fresh copy of the model for each order of the rows."""
    facts = []
    for order in range(orders):
        rows = list(poison)
        random.Random(f"relapse/{order}").shuffle(rows)
        for seen, lm in tuning(fresh(load(), order), rows, stops):
            prompts = framed(lm, asking.questions[:ASKED], TRIGGER, asking.wordings.seen[TRIGGER])
            cell = asking.sampler.sample(lm, prompts, 1)
            em, _ = of_cell(cell, model, "relapse", rows=seen, order=order)
            facts.append(em)
    return facts


def rows_to(points: Points, target: float) -> float | None:
    """The rows at which EM first reaches the target, interpolated in log2(1 + rows); None if it never does."""
    before: tuple[int, float] | None = None
    for rows, em in sorted(points):
        if em >= target:
            if before is None or em == before[1]:
                return float(rows)
            share = (target - before[1]) / (em - before[1])
            low, high = log2(1 + before[0]), log2(1 + rows)
            return float(2 ** (low + share * (high - low)) - 1)
        before = rows, em
    return None
