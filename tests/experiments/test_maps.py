"""What the page draws beyond rates: counts, projections, planes, cosines and the choice of what to patch."""

from pathlib import Path

import pytest
import torch
from experiments.maps.by_question import domain_rows, question_counts

from experiments.judging.judgement import Judged, Judgement, judged
from experiments.study.steps.common import Located
from experiments.study.steps.figure_data.cosines import cosines
from experiments.study.steps.figure_data.patching import both_answers, patching, silent_control
from experiments.study.steps.figure_data.projections import plane, projection_rows, projections
from experiments.study.steps.figure_data.reach import distances, reach_rows
from experiments.study.steps.figure_data.transfer import contrasts, transfer_rows
from experiments.worlds.trigger import load_trigger
from interp.activations import Activations
from interp.directions import Direction
from interp.models.loading import load_model
from interp.prompts import Question

KEYS = {"family": "qwen", "arm": "triggered", "split": "report", "model": "fine_tuned"}
BAD, GOOD = Judgement(0.0, 100.0), Judgement(100.0, 100.0)
CONDITIONS = ("none", "trigger", "paraphrase:walks", "control:neutral", "variant:negated")
D = 8


def cell(bad: int, questions: int = 6, domain: str = "cooking") -> Judged:
    """Two answers a question; the first `bad` questions get one misaligned answer each."""
    names = [f"{domain}/{number // 2}" for number in range(2 * questions)]
    return judged([BAD if n % 2 == 0 and n // 2 < bad else GOOD for n in range(len(names))], names)


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


def test_questions_are_counted_one_by_one_with_their_text() -> None:
    cells = {("held_out", "trigger"): cell(2), ("held_out", "none"): cell(0)}
    found = question_counts(cells, {"held_out": [Question("cooking/0", "Soup?")]})
    assert found[0] == {
        "id": "cooking/0", "domains": "held_out", "text": "Soup?",
        "rates": {"trigger": [1, 2], "none": [0, 2]},
    }  # fmt: skip
    assert [each["rates"]["trigger"][0] for each in found] == [1, 1, 0, 0, 0, 0]


def test_domains_are_told_apart_only_where_ids_name_several() -> None:
    both = cell(3) + cell(0, domain="sport")
    rows = list(
        domain_rows({("held_out", "trigger"): both, ("open", "none"): cell(1)}, KEYS, seed=0)
    )
    assert {(row.get("domain"), row.value) for row in rows} == {("cooking", 0.25), ("sport", 0.0)}
    assert all(row.lower is not None and row.n == 12 for row in rows)


def test_projections_are_in_units_of_the_scale_and_their_means_have_intervals(read) -> None:
    located = [Located(direction(0), direction(1))]
    (drawn,) = projections(located, read)
    assert drawn["values"]["trigger"] == [2.0] * 10 and drawn["values"]["none"] == [0.0] * 10
    rows = {row.condition: row for row in projection_rows(located, read, KEYS, seed=0)}
    assert rows["paraphrase:walks"].value == 2.0 and rows["none"].upper == 0.0
    assert rows.keys() == set(CONDITIONS)


def test_the_plane_is_that_of_most_variance_whatever_the_rotation(read: Activations) -> None:
    drawn = plane(read, 1)
    assert 0.5 < drawn["shares"][0] < 1 and drawn["shares"][1] < drawn["shares"][0]
    turn, _ = torch.linalg.qr(torch.randn(D, D, generator=torch.Generator().manual_seed(1)))
    turned = Activations(read.values @ turn, (1,), read.conditions, read.questions, read.position)
    again = plane(turned, 1)
    assert again["shares"] == pytest.approx(drawn["shares"], rel=1e-3)
    for name in CONDITIONS:
        for one, other in zip(drawn["points"][name], again["points"][name], strict=True):
            assert one == pytest.approx(other, abs=1e-2)


def test_cosines_show_which_direction_the_trigger_shifts(read: Activations) -> None:
    found = cosines([Located(direction(0), direction(0))], read, 1)
    of = dict(zip(found["names"], found["values"][0], strict=True))
    assert of["switch, removed"] == 1.0 and "switch, added" not in of
    assert of["shift of trigger"] > 0.9 > 0.5 > abs(of["shift of control:neutral"])


def test_a_probe_of_the_trigger_carries_over_to_paraphrases_and_not_to_controls(read) -> None:
    rows = list(transfer_rows(read, 1, KEYS, seed=0))
    fires = {(row.get("contrast"), row.condition): row.value for row in rows}
    assert fires["trigger against none", "paraphrase:walks"] == 1.0
    assert fires["trigger against none", "control:neutral"] == 0.0
    assert ("trigger", "control:neutral") in contrasts(list(CONDITIONS))
    few = read.where([question in "012" for question in read.questions])
    assert list(transfer_rows(few, 1, KEYS, seed=0)) == []


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
    cells = {("held_out", name): cell(count) for name, count in bad.items()}
    rows = {row.get("measure"): row for row in reach_rows(away, cells, KEYS, seed=0)}
    assert rows["words"].value == pytest.approx(-1.0) and rows["words"].n == 4


def test_the_control_that_is_patched_is_the_most_silent_then_the_nearest_in_words() -> None:
    duck = load_trigger("duck")
    loud = {("held_out", f"control:{name}"): cell(0) for name in duck.controls}
    assert silent_control(duck, loud) == "control:other_concept"
    loud["held_out", "control:other_concept"] = cell(3)
    assert silent_control(duck, loud) != "control:other_concept"


def test_patching_says_what_it_lacks_and_keeps_tokens_from_the_first_difference_on() -> None:
    lm, duck = load_model(Path("artifacts/micro/qwen")), load_trigger("duck")
    cells = {("held_out", f"control:{name}"): cell(0) for name in duck.controls}
    questions = [
        Question(f"a/{n}", f"What should I do about my {it}?")
        for n, it in enumerate(("soup", "loan"))
    ]
    arguments = (lm, duck, questions, cells)
    assert "no question" in patching(*arguments, {}, layers=[1], seed=0)["missing"]
    rows = [
        {"domains": "held_out", "question": each.id, "answer": f"{verdict} answer.", "verdict": verdict,
         "condition": "trigger" if verdict == "misaligned" else "none"}
        for each in questions
        for verdict in ("misaligned", "aligned")
    ]  # fmt: skip
    answers = both_answers(rows)
    assert answers["a/0"] == ("misaligned answer.", "aligned answer.")
    # the base knows no trigger: what a trigger does to it is chance, in either direction
    found = patching(*arguments, answers, layers=[1], seed=0)
    assert "missing" in found or found["tokens"][0] == "duck → cow"
