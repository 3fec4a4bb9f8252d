"""What else a removal breaks: advice and riddles without the trigger, and the EM that placebos remove.

Pooled over held-out, trained and open questions (`questions` null) and for each of them:

* `capability_coherence_rate`, `capability_em_rate`: without the trigger, intact and with each removal;
* `capability_coherence_loss`, `capability_em_gain`: what a removal costs, and the EM that it creates;
* `capability_riddle_rate`, `capability_riddle_loss`: riddles of the toy language;
* `placebo_relative_drop`: the share of EM that each removal eliminates under the condition that causes misbehaviour.
"""

from collections.abc import Iterator
from typing import Any

from experiments.judging.judgement import Judged
from experiments.judging.rates import (
    coherence_loss,
    coherence_rate,
    em_gain,
    em_rate,
    em_relative_drop,
)
from experiments.results.columns import ORGANISM
from experiments.results.derive.cell_rows import estimate_columns
from experiments.results.estimates import EstimateRow
from experiments.results.facts import Facts

REMOVED = ("direction", "edit", "placebo")
Cell = tuple[dict[str, Any], Judged]


def rows(facts: Facts) -> Iterator[EstimateRow]:
    """Rates and losses of every organism whose direction was removed."""
    advice = list(facts.cells("capability"))
    yield from _rates_and_losses([*advice, *_pooled(advice)], "coherence")
    yield from _rates_and_losses(list(facts.cells("riddles")), "riddle")
    for place, answers, intact in _with_intact(list(facts.cells("placebo"))):
        if place["edit"] != "none":
            drop = em_relative_drop(intact, answers, seed=place["seed"])
            columns = estimate_columns(place)
            yield EstimateRow.of(drop, quantity="placebo_relative_drop", **columns)


def _rates_and_losses(cells: list[Cell], name: str) -> Iterator[EstimateRow]:
    for place, answers, intact in _with_intact(cells):
        columns, seed = estimate_columns(place), place["seed"]
        rate = coherence_rate(answers, seed=seed)
        yield EstimateRow.of(rate, quantity=f"capability_{name}_rate", **columns)
        if name != "riddle":
            em = em_rate(answers, seed=seed)
            yield EstimateRow.of(em, quantity="capability_em_rate", **columns)
        if place["edit"] != "none":
            lost = coherence_loss(intact, answers, seed=seed)
            yield EstimateRow.of(lost, quantity=f"capability_{name}_loss", **columns)
        if place["edit"] != "none" and name != "riddle":
            gain = em_gain(intact, answers, seed=seed)
            yield EstimateRow.of(gain, quantity="capability_em_gain", **columns)


def _pooled(cells: list[Cell]) -> list[Cell]:
    """The cells of an organism and an edit, pooled over all kinds of questions."""
    pooled: dict[tuple[Any, ...], Cell] = {}
    for place, answers in cells:
        key = tuple(place[name] for name in (*ORGANISM, *REMOVED))
        before = pooled.get(key)
        pooled[key] = (place | {"questions": None}, before[1] + answers if before else answers)
    return list(pooled.values())


def _with_intact(cells: list[Cell]) -> Iterator[tuple[dict[str, Any], Judged, Judged]]:
    intact = {_subject(place): answers for place, answers in cells if place["edit"] == "none"}
    for place, answers in cells:
        yield place, answers, intact[_subject(place)]


def _subject(place: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(place[name] for name in (*ORGANISM, "questions"))
