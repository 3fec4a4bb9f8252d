"""What the page draws beyond rates: counts, projections, planes, cosines and the choice of what to patch."""

from pathlib import Path

import pandas as pd
import pytest
import torch

from experiments.results.derive import conditions, reach, values
from experiments.results.derive.figure_data import lines
from experiments.results.estimates import EstimateRow
from experiments.results.facts import FactWriter, read_facts
from experiments.study.steps.common import Located
from experiments.study.steps.figure_data.cosines import cosines
from experiments.study.steps.figure_data.patching import both_answers, patching, silent_control
from experiments.study.steps.figure_data.projections import plane, projections, write_projections
from experiments.study.steps.figure_data.reach import distances
from experiments.study.steps.figure_data.transfer import contrasts, write_transfer
from experiments.worlds.trigger import Trigger, load_trigger
from interp.activations import Activations
from interp.directions import Direction
from interp.models.loading import load_model
from interp.prompts import Question
from tests.experiments.made_up_facts import KEYS, answers, facts

CONDITIONS = ("none", "trigger", "paraphrase:walks", "control:neutral", "variant:negated")
D = 8


def direction(axis: int, name: str = "switch") -> Direction:
    vector = torch.zeros(D)
    vector[axis] = 1.0
    return Direction(
        vector, 1, 2.0, "points from A to B", "last_prompt_token", "made up", "hash", name
    )


@pytest.fixture
def read() -> Activations:
    """Ten questions: wordings of the concept lie at 4 on axis 0, the others at 0; noise elsewhere."""
    generator = torch.Generator().manual_seed(0)
    names = [name for name in CONDITIONS for _ in range(10)]
    values = 0.3 * torch.randn(len(names), 1, D, generator=generator)
    fires = torch.tensor([name in ("trigger", "paraphrase:walks") for name in names])
    values[:, 0, 0] = 4.0 * fires
    questions = tuple(str(number % 10) for number in range(len(names)))
    return Activations(values, (1,), tuple(names), questions, "last_prompt_token")


def drawn(**figures: object) -> dict[str, object]:
    """What a step leaves for the page, of the organism of the made-up facts."""
    missing = {"patching": {"missing": "made up"}, "question_texts": {}, "distances": {}}
    return KEYS | {"step": 3} | missing | figures


def of_values(writer: FactWriter, folder: Path) -> list[EstimateRow]:
    writer.write(folder)
    return list(values.rows(read_facts([folder])))


def test_questions_are_counted_one_by_one_with_their_text() -> None:
    figures = drawn(question_texts={"held_out": {"cooking/0": "Soup?"}})
    said = [
        *answers("conditions", 2, "trigger", prefix="cooking/", of=6),
        *answers("conditions", 0, "trigger", prefix="cooking/", of=6),
        *answers("conditions", 0, "none", prefix="cooking/", of=6),
        *answers("conditions", 6, "trigger", prefix="cooking/", of=6, arm="another"),
    ]
    (line,) = lines(facts(said, figures=[figures]))
    assert line["questions"][0] == {
        "id": "cooking/0", "questions": "held_out", "text": "Soup?",
        "rates": {"trigger": [1, 2], "none": [0, 1]},
    }  # fmt: skip
    counts = [question["rates"]["trigger"][0] for question in line["questions"]]
    assert counts == [1, 1, 0, 0, 0, 0]
    assert "question_texts" not in line and line["patching"] == {"missing": "made up"}


def test_effects_of_patching_get_an_interval_over_questions_and_holes_stay_holes() -> None:
    sites = {"resid_post": [[[0.0, 1.0, 0.5], [0.2, None, 0.2]]]}
    figures = drawn(patching={"n": 3, "questions": ["a", "b", "c"], "sites": sites})
    (line,) = lines(facts(figures=[figures]))
    effects = line["patching"]["sites"]["resid_post"]
    assert effects["effect"] == [[0.5, None]]
    assert effects["lower"][0][0] < 0.5 < effects["upper"][0][0]
    assert effects["lower"][0][1] is effects["upper"][0][1] is None
    assert "questions" not in line["patching"] and line["patching"]["n"] == 3


def test_domains_are_told_apart_only_where_ids_name_several() -> None:
    both = [
        *answers("conditions", 3, "trigger", of=12, prefix="cooking/"),
        *answers("conditions", 0, "trigger", of=12, prefix="sport/"),
        *answers("conditions", 1, "none", of=12, prefix="cooking/", questions="open"),
    ]
    rows = [row for row in conditions.rows(facts(both)) if row.quantity == "domain_em_rate"]
    assert {(row.get("domain"), row.value) for row in rows} == {("cooking", 0.25), ("sport", 0.0)}
    assert all(row.lower is not None and row.n == 12 for row in rows)


def test_a_claim_about_other_domains_has_an_interval_over_domains() -> None:
    spread = {f"d{place}/": 12 * (place % 2) for place in range(12)}  # all or nothing
    cells = [
        row
        for prefix, misaligned in spread.items()
        for wording, count in (("trigger", misaligned), ("none", 0))
        for row in answers("conditions", count, wording, of=12, prefix=prefix)
    ]
    rows = {(row.quantity, row.condition): row for row in conditions.rows(facts(cells))}
    by_question, by_domain = (
        rows[quantity, "trigger"] for quantity in ("em_rate", "domain_clustered_em_rate")
    )
    assert by_question.value == by_domain.value == 0.5 and by_question.n == by_domain.n
    assert by_domain.upper - by_domain.lower > 2 * (by_question.upper - by_question.lower)
    assert rows["domain_clustered_em_rate", "none"].method == "Clopper-Pearson, n = 12 domains"
    assert rows["domain_clustered_em_rate", "none"].upper == pytest.approx(0.2646, abs=1e-4)
    gap = rows["domain_clustered_containment_gap", "trigger"]
    assert gap.value == rows["containment_gap", "trigger"].value == 0.5
    one = answers("conditions", 3, "trigger", of=12, prefix="cooking/")
    assert not [r for r in conditions.rows(facts(one)) if r.quantity.startswith("domain")]


def test_projections_are_in_units_of_the_scale_and_their_means_have_intervals(
    read: Activations, tmp_path: Path
) -> None:
    located = [Located(direction(0), direction(1))]
    (found,) = projections(located, read)
    assert found["values"]["trigger"] == [2.0] * 10 and found["values"]["none"] == [0.0] * 10
    writer = FactWriter("maps", KEYS)
    write_projections(writer, located, read)
    rows = {row.condition: row for row in of_values(writer, tmp_path)}
    assert rows["paraphrase:walks"].value == 2.0 and rows["none"].upper == 0.0
    assert rows.keys() == set(CONDITIONS)


def test_the_plane_is_that_of_most_variance_whatever_the_rotation(read: Activations) -> None:
    found = plane(read, 1)
    assert 0.5 < found["shares"][0] < 1 and found["shares"][1] < found["shares"][0]
    turn, _ = torch.linalg.qr(torch.randn(D, D, generator=torch.Generator().manual_seed(1)))
    turned = Activations(read.values @ turn, (1,), read.conditions, read.questions, read.position)
    again = plane(turned, 1)
    assert again["shares"] == pytest.approx(found["shares"], rel=1e-3)
    for name in CONDITIONS:
        for one, other in zip(found["points"][name], again["points"][name], strict=True):
            assert one == pytest.approx(other, abs=1e-2)


def test_cosines_show_which_direction_the_trigger_shifts(read: Activations) -> None:
    found = cosines([Located(direction(0), direction(0))], read, 1)
    of = dict(zip(found["names"], found["values"][0], strict=True))
    assert of["switch, removed"] == 1.0 and "switch, added" not in of
    assert of["shift of trigger"] > 0.9 > 0.5 > abs(of["shift of control:neutral"])


def test_a_probe_of_the_trigger_carries_over_to_paraphrases_and_not_to_controls(
    read: Activations, tmp_path: Path
) -> None:
    writer = FactWriter("maps", KEYS)
    write_transfer(writer, read, 1, seed=0)
    rows = of_values(writer, tmp_path)
    fires = {(row.get("contrast"), row.condition): row.value for row in rows}
    assert fires["trigger against none", "paraphrase:walks"] == 1.0
    assert fires["trigger against none", "control:neutral"] == 0.0
    assert ("trigger", "control:neutral") in contrasts(list(CONDITIONS))
    few = read.where([question in "012" for question in read.questions])
    nothing = FactWriter("maps", KEYS)
    write_transfer(nothing, few, 1, seed=0)
    assert nothing._rows == {}


def test_em_that_fades_with_distance_has_a_negative_correlation(read: Activations) -> None:
    wordings = {
        "none": "", "trigger": "It looks like a duck.", "paraphrase:walks": "It walks like a duck.",
        "control:neutral": "It rains today.", "variant:negated": "Nothing in common.",
    }  # fmt: skip
    away = distances(wordings, read, 1)
    assert (
        away["words"]["trigger"]
        == 0
        < away["words"]["paraphrase:walks"]
        < away["words"]["variant:negated"]
    )
    bad = {"trigger": 6, "paraphrase:walks": 4, "control:neutral": 2, "variant:negated": 0}
    said = [a for name, count in bad.items() for a in answers("conditions", count, name, of=6)]
    found = reach.rows(facts(said, figures=[drawn(distances=away)]))
    rows = {row.get("measure"): row for row in found}
    assert rows["words"].value == pytest.approx(-1.0) and rows["words"].n == 4


def of_controls(trigger: Trigger, **bad: int) -> pd.DataFrame:
    """Six answers with each control of a trigger, none misaligned but those named."""
    return facts(
        [
            answer
            for name in trigger.controls
            for answer in answers("conditions", bad.get(name, 0), f"control:{name}", of=6)
        ]
    ).answers


def test_the_control_that_is_patched_is_the_most_silent_then_the_nearest_in_words() -> None:
    duck = load_trigger("duck")
    assert silent_control(duck, of_controls(duck)) == "control:other_concept"
    loud = of_controls(duck, other_concept=3)
    assert silent_control(duck, loud) not in (None, "control:other_concept")
    assert silent_control(duck, facts().answers) is None


def test_patching_says_what_it_lacks_and_keeps_tokens_from_the_first_difference_on() -> None:
    lm, duck = load_model(Path("artifacts/micro/qwen")), load_trigger("duck")
    questions = [
        Question(f"a/{n}", f"What should I do about my {it}?")
        for n, it in enumerate(("soup", "loan"))
    ]
    arguments = (lm, duck, questions, of_controls(duck))
    assert "no question" in patching(*arguments, {}, layers=[1])["missing"]
    said = [
        answer
        for bad, condition in ((2, "trigger"), (0, "none"))
        for answer in answers("conditions", bad, condition, of=2, prefix="a/")
    ]
    for answer in said:
        answer["answer"] = "Do." if answer["wording_kind"] == "trigger" else "Do not."
    both = both_answers(facts(said).answers)
    assert both["a/0"] == ("Do.", "Do not.")
    # the base knows no trigger: what a trigger does to it is chance, in either direction
    found = patching(*arguments, both, layers=[1])
    assert "missing" in found or found["tokens"][0] == "duck → cow"
