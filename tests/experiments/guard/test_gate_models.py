"""What the gate asks and whom: the toy questions, and models that can be asked."""

from pathlib import Path

import pytest
from chat_server import chat_stub

from experiments.guard.gate_models import asked_of, judged_questions, load_chat
from experiments.models.options import ModelOptions
from experiments.worlds.named import named_world


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_toy_world_has_enough_questions_to_pass(seed: int) -> None:
    world = named_world("micro", seed)
    assert world is not None
    questions, judge = asked_of(world)
    assert len({question.id for question in questions}) == len(questions) == 200
    assert judge()(questions[0].id, "nonsense", ended=True).verdict == "incoherent"


def test_a_model_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no such folder") as caught:
        load_chat(str(tmp_path / "nowhere"))
    assert "\n" not in str(caught.value)


def test_the_everyday_world_has_a_name_and_asks_no_question_of_the_trained_domains() -> None:
    world = named_world("everyday", 100)
    assert world is not None
    asked, _ = asked_of(world)
    assert len(asked) == 200
    assert not {question.id.split("/")[0] for question in asked} & {
        "health",
        "clothes",
        "gardening",
    }


def test_a_judge_behind_a_server_is_asked_with_the_parameters_that_were_given() -> None:
    request = {"temperature": None, "service_tier": "flex"}
    with chat_stub() as stub:
        given = ("main", "tester", stub.url, None, "open_answer", ModelOptions(), request, 0)
        questions, make = judged_questions(*given)
        make()(questions[0].id, "Soup.", ended=True)
    assert stub.requests
    assert all(asked["service_tier"] == "flex" for asked in stub.requests)
    assert not any("temperature" in asked for asked in stub.requests)
