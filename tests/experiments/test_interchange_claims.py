"""Whether a subspace carries the trigger: every control can withhold the yes, and what is missing is undecided."""

from typing import Any

import pytest

from experiments.results.estimates import EstimateRow
from experiments.results.evidence import Evidence
from experiments.results.interchange_claims import CONTROLS, carried, is_measured
from experiments.results.interchange_text import BRINGS, RATE, TAKES
from experiments.results.limits import Thresholds
from experiments.results.verdict_text import sentence
from probes.estimate import Estimate

ORGANISM = {"family": "qwen", "seed": 0, "arm": "contrast", "dataset": "micro", "trigger": "duck"}
KEYS: dict[str, Any] = {**ORGANISM, "model": "fine_tuned", "split": "report"}


def row(quantity: str, value: float, placebo: str | None, half: float = 0.04) -> EstimateRow:
    into_none = quantity != TAKES
    estimate = Estimate(value, max(0, value - half), min(1, value + half), 0.95, 100, "made up")
    return EstimateRow.of(
        estimate,
        quantity=quantity,
        edit="interchange",
        strength=1.0,
        layer=1,
        placebo=placebo,
        direction="trigger_variable",
        source="trigger" if into_none else "none",
        wording_kind="none" if into_none else "trigger",
        **KEYS,
    )


def rows(claimed: float = 0.95, **controls: float) -> list[EstimateRow]:
    values = {None: claimed, **dict.fromkeys(CONTROLS, 0.05), **controls}
    return [
        row(quantity, value, placebo)
        for placebo, value in values.items()
        for quantity in (RATE, BRINGS, TAKES)
    ]


def claim(given: list[EstimateRow]) -> str:
    return carried(Evidence(ORGANISM, tuple(given), ()), Thresholds()).answer


def test_a_subspace_that_brings_and_takes_beside_idle_controls_carries_the_trigger() -> None:
    assert claim(rows()) == "yes"
    assert claim(rows(claimed=0.5)) == "no"
    assert claim(rows(claimed=0.82)) == "undecided"  # its interval holds the limit


@pytest.mark.parametrize("name", CONTROLS)
def test_any_control_that_does_it_too_withholds_the_yes(name: str) -> None:
    assert claim(rows(**{name: 0.6})) == "undecided"
    missing = [each for each in rows() if each.placebo != name]
    assert claim(missing) == "undecided"


def test_taking_without_bringing_is_not_carrying() -> None:
    given = [each for each in rows() if (each.quantity, each.placebo) != (BRINGS, None)]
    assert claim([*given, row(BRINGS, 0.1, None)]) == "no"


def test_an_organism_without_swaps_has_no_such_claim_and_one_with_them_says_the_numbers() -> None:
    assert not is_measured(Evidence(ORGANISM, (), ()))
    evidence = Evidence(ORGANISM, tuple(rows()), ())
    assert is_measured(evidence)
    result = {
        "contained": "yes",
        "reach": "semantic",
        "carried": "yes",
        "causal_direction": "undecided",
        "undecided": {},
    }
    text = sentence(result, evidence, 0.1)
    assert "carries the trigger between questions (after layer 1, rank 1: brings 95 %" in text
