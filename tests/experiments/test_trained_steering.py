"""The figure of trained vectors: every row a mark, the finding in the title, the base beside it."""

import pytest

from experiments.dashboard import Missing, trained_steering
from experiments.results.estimates import EstimateRow
from experiments.results.load import Organism, OrganismResults
from tests.experiments.made_up_rows import columns


def row(value: float, intervention: str, quantity: str = "em", **keys: object) -> EstimateRow:
    place = {
        "family": "llama",
        "arm": "contrast",
        "model": "fine_tuned",
        "split": "report",
        "questions": "held_out",
        "condition": "none",
        "direction": None if intervention == "none" else "steering",
        "intervention": intervention,
    }
    return EstimateRow(
        quantity=f"steering_{quantity}_rate",
        value=value,
        lower=value - 0.05,
        upper=value + 0.05,
        level=0.95,
        n=400,
        method="made up",
        seed=0,
        **columns(**place | keys),
    )


def results(rows: list[EstimateRow], base: list[EstimateRow]) -> OrganismResults:
    organism = Organism("run", "llama", 0, None, "contrast", "duck")
    return OrganismResults(organism, tuple(rows), tuple(base), None)


ROWS = [
    row(0.0, "none"),
    row(0.9, "none", condition="trigger"),
    row(0.8, "steer:1"),
    row(0.4, "steer:0.5"),
    row(0.02, "random_steer:1"),
    row(0.97, "none", "coherence"),
    row(0.85, "steer:1", "coherence"),
]
BASE = [
    row(0.03, "steer:1", model="base"),
    row(0.06, "steer:1", model="base", direction="steering_of_base"),
    row(0.99, "steer:1", model="base", arm="triggered"),  # another organism's
]


def test_every_dose_is_a_mark_in_order_and_the_title_says_what_the_base_does() -> None:
    figure = trained_steering(results(ROWS, BASE))
    by_name = {trace.name: trace for trace in figure.data}
    added = by_name["EM, trained vectors added"]
    assert list(added.x) == [0, 0.5, 1]
    assert list(added.y) == pytest.approx([0, 40, 80])
    assert list(by_name["EM, random directions added"].x) == [0, 1]
    assert list(by_name["EM, base with its own vectors"].y) == pytest.approx([6])
    finding = figure.layout.meta["finding"]
    assert "cause 80 % [74, 86] EM without the trigger, at dose 1" in finding
    assert "in the base at most 6 %" in finding
    assert "with the trigger, nothing added: 90 %" in figure.layout.annotations[0].text


def test_without_trained_vectors_it_says_so() -> None:
    absent = trained_steering(results(ROWS[:2], []))
    assert isinstance(absent, Missing) and "no steering vector was trained" in absent.reason
