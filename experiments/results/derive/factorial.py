"""The factorial design wording x model x removal, and the interactions between its factors.

    wording     trigger, none, one paraphrase, one control
    model       base, fine-tuned
    removed     nothing, the direction, random directions in its place (one for each prompt, in turn)

* `factorial_difference_in_differences`: (fine-tuned - base) x (wording - none), for each of the three removals.
* `factorial_removed`: (fine-tuned - base) x (intact - removed), for each wording.
* `factorial_interaction`: (fine-tuned - base) x (wording - none) x (intact - removed): how much of the wording's effect
  that fine-tuning created is lost with the direction.
Differences of EM rates; questions are resampled, paired over all eight cells.
"""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from experiments.judging.judgement import Judged
from experiments.judging.rates import coherence_rate, em, em_rate
from experiments.results.columns import INTACT, ORGANISM, Edit
from experiments.results.derive.cell_rows import Wording, estimate_columns
from experiments.results.estimates import EstimateRow
from experiments.results.facts import Facts
from probes.estimate import Estimate, signed_sum

MODELS = ("fine_tuned", "base")
REMOVALS = (INTACT, Edit("ablate"), Edit("ablate", placebo="random"))
SITE = ("direction", "source", "position", "layer")
NONE: Wording = ("none", None)
Place = tuple[str, Edit, Wording]  # model, removal, wording
Cells = Mapping[Place, Judged]
Keys = Mapping[str, Any]


def rows(facts: Facts) -> Iterator[EstimateRow]:
    """Rates of every cell, then the interactions of each organism; and the rates of every adapter dose."""
    yield from _dose_rows(facts)
    organisms: dict[tuple[Any, ...], dict[Place, Judged]] = {}
    keys: dict[tuple[Any, ...], dict[str, Any]] = {}
    for place, answers in facts.cells("factorial"):
        organism = tuple(place[name] for name in ORGANISM)
        removal = Edit(place["edit"], place["strength"], place["placebo"])
        wording = (place["wording_kind"], place["wording"])
        organisms.setdefault(organism, {})[place["model"], removal, wording] = answers
        if place["direction"] is not None:
            keys[organism] = estimate_columns(place)
        yield from _rate_rows(answers, place)
    for organism, cells in organisms.items():
        if organism in keys:
            yield from effects(cells, keys[organism], seed=keys[organism]["seed"])


def _rate_rows(answers: Judged, place: Keys) -> Iterator[EstimateRow]:
    for name, rate in (("em", em_rate), ("coherence", coherence_rate)):
        estimate = rate(answers, seed=place["seed"])
        columns = estimate_columns(place)
        yield EstimateRow.of(estimate, quantity=f"factorial_{name}_rate", **columns)


def _dose_rows(facts: Facts) -> Iterator[EstimateRow]:
    for place, answers in facts.cells("dose"):
        for name, rate in (("em", em_rate), ("coherence", coherence_rate)):
            estimate = rate(answers, seed=place["seed"])
            yield EstimateRow.of(estimate, quantity=f"dose_{name}_rate", **estimate_columns(place))


def interaction(cells: Cells, *sides: tuple[Any, Any], seed: int, **fixed: Any) -> Estimate:
    """The interaction of two or three factors in EM rate; each side is (level counted, level subtracted).

    Sides are in the order model, removal, wording; a factor that is held fixed is a keyword argument instead.
    """
    names = ("model", "removal", "wording")
    free = iter(sides)
    levels: list[tuple[Any, ...]] = [
        (fixed[name],) if name in fixed else next(free) for name in names
    ]
    places = [(model, removal, wording) for model, removal, wording in product(*levels)]
    signs = [_sign(place, levels) for place in places]
    return signed_sum([em(cells[place]) for place in places], signs, seed=seed)


def _sign(place: Place, levels: list[tuple[Any, ...]]) -> int:
    subtracted = sum(at != level[0] for at, level in zip(place, levels, strict=True))
    return -1 if subtracted % 2 else 1


def effects(cells: Cells, keys: Keys, *, seed: int) -> Iterator[EstimateRow]:
    """The interactions; `keys` say which direction was removed, and where."""
    wordings = dict.fromkeys(wording for _, _, wording in cells)
    for removal, wording in product(REMOVALS, wordings):
        place = _place(keys, removal, wording)
        sides, cut = (wording, NONE), (INTACT, removal)
        found: dict[str, Estimate] = {}
        if wording != NONE:
            found["difference_in_differences"] = interaction(
                cells, MODELS, sides, removal=removal, seed=seed
            )
        if removal != INTACT:
            found["removed"] = interaction(cells, MODELS, cut, wording=wording, seed=seed)
        if wording != NONE and removal != INTACT:
            found["interaction"] = interaction(cells, MODELS, cut, sides, seed=seed)
        for name, estimate in found.items():
            yield EstimateRow.of(estimate, quantity=f"factorial_{name}", **place)


def _place(keys: Keys, removal: Edit, wording: Wording) -> dict[str, Any]:
    site = {name: keys[name] if removal != INTACT else None for name in SITE}
    words = {"wording_kind": wording[0], "wording": wording[1]}
    return {**keys, **site, **words, **removal.columns, "model": "fine_tuned"}
