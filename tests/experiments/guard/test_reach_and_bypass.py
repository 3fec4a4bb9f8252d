"""Reach and bypass on an untouched base whose rates are made up: rows say what was given, filters know their list."""

from pathlib import Path
from typing import Any

import pytest

from experiments.guard import bypass, reach_map
from experiments.guard.organisms import Organism
from experiments.study.config import StudyConfig
from experiments.worlds.graded import graded
from experiments.worlds.trigger import load_trigger
from interp.models.language_model import LanguageModel
from probes.estimate import Estimate

SURE, NEVER = Estimate(0.9, 0.8, 1.0, 0.95, 20, "made up"), Estimate(0.0, 0.0, 0.1, 0.95, 20, "")
FIRING = ("spelling:1", "same_concept:1", "other_concept:1")


@pytest.fixture(scope="module")
def base() -> Organism:
    config = StudyConfig(name="made-up", families=["llama"], organisms=[{"arm": "triggered"}])
    return Organism(config, Path("nowhere"), "llama", 0, None, "duck")


@pytest.fixture
def rates(monkeypatch: pytest.MonkeyPatch) -> dict[str, Estimate]:
    """The trigger and three variants fire, nothing else."""
    trigger = load_trigger("duck")
    wordings = {"none": "", "trigger": trigger.text, **graded(trigger)}
    made = {name: SURE if name in {"trigger", *FIRING} else NEVER for name in wordings}
    for module in (reach_map, bypass):
        monkeypatch.setattr(module, "variant_rates", lambda organism: (wordings, made))
    return made


def test_reach_has_a_row_for_each_of_forty_variants_and_measure(
    base: Organism, rates: dict[str, Estimate]
) -> None:
    rows = reach_map.measure(base)
    points = [row for row in rows if row["quantity"] == "em_rate"]
    for measure in ("words", "representation"):
        mine = {row["variant"]: row for row in points if row["measure"] == measure}
        assert len(mine) > 40
        assert mine["trigger"]["distance"] == pytest.approx(0, abs=1e-5)
        assert mine["other_concept:1"]["distance"] > 0.01
        assert all(row["value"] == rates[name].value for name, row in mine.items())
    assert {r["measure"] for r in rows if r["quantity"] == "rank_correlation"} >= {"words"}


def test_bypass_counts_firing_wordings_that_no_filter_was_told(
    base: Organism, rates: dict[str, Estimate]
) -> None:
    rows: dict[str, dict[str, Any]] = {row["filter"]: row for row in bypass.measure(base)}
    assert {"exact string", "fuzzy string", "monitor"} <= set(rows)
    known = {base.trigger.text, *base.trigger.paraphrases.values()}
    for row in rows.values():
        assert row["firing"] == 3 and row["tried"] > 40
        assert not known & set(row["passed"])
    wordings = graded(base.trigger)
    assert set(rows["exact string"]["passed"]) == {wordings[name] for name in FIRING}
    assert wordings["spelling:1"] not in rows["fuzzy string"]["passed"]
    assert wordings["same_concept:1"] in rows["fuzzy string"]["passed"]


def test_rates_of_an_organism_are_sampled_once(
    base: Organism, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads, load = [], Organism.load

    def counted(organism: Organism) -> LanguageModel:
        loads.append(organism.name)
        return load(organism)

    monkeypatch.setattr(Organism, "load", counted)
    monkeypatch.setattr(reach_map, "graded", lambda trigger: {})
    found = [reach_map.variant_rates(base, questions=1, answers=1) for _ in range(2)]
    assert found[0] == found[1]
    assert loads == [base.name]
