"""The factorial design: wording x model x what is removed, and the interactions that its cells hold.

    condition   trigger, none, one paraphrase, one control
    model       base, fine-tuned
    removed     nothing, the direction, random directions in its place (one for each prompt, in turn)

* `factorial_difference_in_differences`: (fine-tuned - base) x (condition - none), for each of the three removals.
* `factorial_removed`: (fine-tuned - base) x (intact - removed), for each condition.
* `factorial_interaction`: (fine-tuned - base) x (condition - none) x (intact - removed): the part of what the
  fine-tuning tied to the wording that goes with the direction.
Differences of EM rates; questions are resampled, paired over all eight cells.
"""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from experiments.estimates import EstimateRow
from experiments.rates import Judged, coherence_rate, em_rate
from experiments.trigger import Trigger
from interp.prompts import Framing
from probes.estimate import Estimate, signed_sum

MODELS = ("fine_tuned", "base")
REMOVALS = ("none", "ablate", "random_ablate")
Place = tuple[str, str, str]  # model, removal, condition
Cells = Mapping[Place, Judged]
Keys = Mapping[str, Any]


def wordings(trigger: Trigger) -> dict[str, Framing]:
    """The trigger, no trigger, the first paraphrase and the first control of the trigger's file."""
    framings = trigger.framings
    kinds = ("paraphrase:", "control:")
    first = [next((n for n in framings if n.startswith(kind)), None) for kind in kinds]
    return {name: framings[name] for name in ("trigger", "none", *first) if name is not None}


def interaction(cells: Cells, *sides: tuple[str, str], seed: int, **fixed: str) -> Estimate:
    """The interaction of two or three factors in EM rate; each side is (level counted, level subtracted).

    Sides stand in the order model, removal, condition; a factor that is fixed is named instead.
    """
    names = ("model", "removal", "condition")
    free = iter(sides)
    levels: list[tuple[str, ...]] = [
        (fixed[name],) if name in fixed else next(free) for name in names
    ]
    places = [(model, removal, condition) for model, removal, condition in product(*levels)]
    signs = [_sign(place, levels) for place in places]
    return signed_sum([cells[place].em for place in places], signs, seed=seed)


def _sign(place: Place, levels: list[tuple[str, ...]]) -> int:
    subtracted = sum(at != level[0] for at, level in zip(place, levels, strict=True))
    return -1 if subtracted % 2 else 1


def factorial_rows(cells: Cells, keys: Keys, direction: Keys, *, seed: int) -> list[EstimateRow]:
    """Rates of every cell, then the interactions. `direction`: the keys that say what was removed, and where."""
    return [*_rate_rows(cells, keys, direction, seed), *_effects(cells, keys, direction, seed)]


def _rate_rows(cells: Cells, keys: Keys, direction: Keys, seed: int) -> Iterator[EstimateRow]:
    for (model, removal, condition), answers in cells.items():
        place = _keys(keys, direction, removal, condition) | {"model": model}
        for name, rate in (("em", em_rate), ("coherence", coherence_rate)):
            yield EstimateRow.of(
                rate(answers, seed=seed), quantity=f"factorial_{name}_rate", **place
            )


def _effects(cells: Cells, keys: Keys, direction: Keys, seed: int) -> Iterator[EstimateRow]:
    conditions = dict.fromkeys(condition for _, _, condition in cells)
    for removal, condition in product(REMOVALS, conditions):
        place = _keys(keys, direction, removal, condition)
        wording, cut = (condition, "none"), ("none", removal)
        found: dict[str, Estimate] = {}
        if condition != "none":
            found["difference_in_differences"] = interaction(
                cells, MODELS, wording, removal=removal, seed=seed
            )
        if removal != "none":
            found["removed"] = interaction(cells, MODELS, cut, condition=condition, seed=seed)
        if condition != "none" and removal != "none":
            found["interaction"] = interaction(cells, MODELS, cut, wording, seed=seed)
        for name, estimate in found.items():
            yield EstimateRow.of(estimate, quantity=f"factorial_{name}", **place)


def _keys(keys: Keys, direction: Keys, removal: str, condition: str) -> dict[str, Any]:
    site = direction if removal != "none" else {}
    return {**keys, **site, "condition": condition, "intervention": removal}
