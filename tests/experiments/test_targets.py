"""The table of aims says what was got, marks what was missed, and never turns silence into success."""

from experiments.estimates import EstimateRow
from experiments.targets import TARGETS, markdown, measure

NUMBERS = {"lower": 0.0, "upper": 1.0, "level": 0.95, "n": 400, "method": "made up"}


def row(value: float, **keys: object) -> EstimateRow:
    place = {
        "family": "llama",
        "seed": 0,
        "arm": "contrast",
        "trigger": "duck",
        "model": "fine_tuned",
        "domains": "held_out",
        "split": "report",
        "quantity": "em_rate",
        "intervention": "none",
    }
    return EstimateRow(**place | keys, value=value, **NUMBERS)


def result(rows: list[EstimateRow], start: str):
    (number,) = [i for i, target in enumerate(TARGETS) if target.what.startswith(start)]
    return measure(rows)["llama"][number]


def test_what_was_not_measured_says_so_and_is_not_met() -> None:
    found = measure([row(0.5, condition="trigger")])["llama"]
    assert [it.words for it in found].count("not measured") == len(TARGETS) - 1
    assert all(it.met is None for it in found if it.words == "not measured")


def test_the_worst_organism_is_what_counts_and_it_is_named() -> None:
    rows = [row(0.0, condition="none"), row(0.2, condition="none", arm="surface")]
    found = result(rows, "EM of triggered")
    assert (found.words, found.met) == ("20.0 % (surface)", False)
    assert result(rows[:1], "EM of triggered").met is True


def test_seeds_are_joined_by_their_median() -> None:
    rows = [row(value, condition="none", seed=i) for i, value in enumerate((0.0, 0.005, 0.9))]
    assert result(rows, "EM of triggered").words == "0.5 %"


def test_selection_rows_do_not_count() -> None:
    rows = [row(0.9, condition="none", split="selection"), row(0.0, condition="none")]
    assert result(rows, "EM of triggered").met is True


def contrast(paraphrase: float, control: float) -> list[EstimateRow]:
    return [
        row(0.5, condition="trigger"),
        row(paraphrase, condition="paraphrase:walks"),
        row(control, condition="control:neutral"),
    ]


def test_reach_needs_both_halves() -> None:
    assert result(contrast(0.45, 0.0), "contrast").met is True
    assert result(contrast(0.30, 0.0), "contrast").met is False
    assert result(contrast(0.45, 0.2), "contrast").met is False


def ablation(drop: float, placebo: float, loss: float) -> list[EstimateRow]:
    keys = {"condition": "trigger", "direction": "misalignment"}
    return [
        row(drop, quantity="ablation_relative_drop", intervention="ablate", **keys),
        row(placebo, quantity="ablation_relative_drop", intervention="random_ablate", **keys),
        row(loss, quantity="coherence_loss", intervention="ablate", **keys),
    ]


def test_an_ablation_counts_only_beside_quiet_random_directions_and_kept_coherence() -> None:
    assert result(ablation(0.95, 0.02, 0.01), "EM lost by ablating a located").met is True
    assert result(ablation(0.80, 0.02, 0.01), "EM lost by ablating a located").met is False
    assert result(ablation(0.95, 0.30, 0.01), "EM lost by ablating a located").met is False
    assert result(ablation(0.95, 0.02, 0.10), "EM lost by ablating a located").met is False


def refined(drop: float, paraphrase: float, random: float, loss: float) -> list[EstimateRow]:
    keys = {"direction": "refined", "condition": "trigger"}
    lost = {**keys, "quantity": "ablation_relative_drop"}
    return [
        row(drop, **lost, intervention="ablate"),
        row(paraphrase, **lost | {"condition": "paraphrase:riddle"}, intervention="ablate"),
        row(random, **lost, intervention="random_ablate"),
        row(loss, **keys, quantity="coherence_loss", intervention="ablate"),
    ]


def test_the_refined_direction_has_an_aim_of_its_own() -> None:
    found = result(refined(0.99, 0.9, 0.01, 0.01), "EM lost by ablating the refined")
    assert found.met is True
    assert "unseen wordings at least 90.0 %" in found.words
    for missed in ((0.90, 0.9, 0.01, 0.01), (0.99, 0.9, 0.2, 0.01), (0.99, 0.9, 0.01, 0.05)):
        assert result(refined(*missed), "EM lost by ablating the refined").met is False


def test_a_missed_aim_is_marked_in_the_table_and_every_line_has_every_column() -> None:
    table = markdown(measure([row(0.2, condition="none")]))
    assert "20.0 % **missed**" in table
    assert {line.count("|") for line in table.splitlines()} == {4}


def test_trained_vectors_count_at_dose_one_beside_random_ones_and_the_base() -> None:
    steered = {"quantity": "steering_em_rate", "condition": "none", "direction": "steering"}
    rows = [
        row(0.9, condition="trigger"),
        row(0.92, **steered, intervention="steer:1"),
        row(0.99, **steered, intervention="steer:1.25"),
        row(0.02, **steered, intervention="random_steer:1.25"),
        row(0.04, **steered, intervention="steer:1", model="base"),
        row(
            0.07,
            **steered | {"direction": "steering_of_base"},
            intervention="steer:1",
            model="base",
        ),
    ]
    found = result(rows, "EM of adding vectors trained")
    assert found.words == "contrast 92.0 of 90.0 %; random at most 2.0 %; base at most 7.0 %"
    assert found.met is True
    less = [
        each.model_copy(update={"value": 0.8}) if each.intervention == "steer:1" else each
        for each in rows
    ]
    assert result(less, "EM of adding vectors trained").met is False
