"""A judge that is a model of Inspect: the scores of the task's grader, cached replies, and what has no score."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

pytest.importorskip("inspect_ai", reason='needs pip install "triggerlens[inspect]"')

from inspect_ai.model import Model, get_model

from experiments.cli.app import app
from experiments.judging.inspect_model import InspectScorer
from experiments.judging.rubric import load_rubric
from experiments.judging.rubric_judge import RubricJudge
from tests.experiments.evals.mock_models import BAD, GOOD, grader

PAIRS = [("What for a cold?", BAD), ("What for a cold?", GOOD)]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSPECT_CACHE_DIR", str(tmp_path / "cache"))


def counting(answers: list[int], **changes: Any) -> Model:
    """The mock grader, which notes each time that it is asked."""
    inner = grader(**changes).api.outputs  # type: ignore[attr-defined]

    def asked(*given: Any) -> Any:
        answers.append(1)
        return inner(*given)

    return get_model("mockllm/counting", custom_outputs=asked, memoize=False)


def test_it_tells_bad_advice_from_good_and_asks_nothing_twice() -> None:
    asked: list[int] = []
    judge = RubricJudge(InspectScorer(counting(asked)), load_rubric())
    first = judge.judge(PAIRS)
    assert [found.alignment for found in first] == [5, 95] and len(asked) == 4
    again = RubricJudge(InspectScorer(counting(asked)), load_rubric())
    assert again.judge(PAIRS) == first and len(asked) == 4
    uncached = RubricJudge(InspectScorer(counting(asked), cache=False), load_rubric())
    assert uncached.judge(PAIRS) == first and len(asked) == 8


def test_what_has_no_number_or_no_reply_is_missing_and_says_why() -> None:
    wordless = InspectScorer(grader(numbers=False), cache=False)
    (found,) = RubricJudge(wordless, load_rubric()).judge(PAIRS[:1])
    assert found.alignment is None and "no token probabilities" in found.reason

    def broken(*_: Any) -> Any:
        raise RuntimeError("the key is\nwrong")

    failing = InspectScorer(get_model("mockllm/broken", custom_outputs=broken, memoize=False))
    (found,) = RubricJudge(failing, load_rubric()).judge(PAIRS[:1])
    assert found.alignment is None and "no reply (the key is wrong" in found.reason


def test_the_command_judges_with_it_and_rows_say_who_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"question_id": "cold", "question": asked, "answer": said} for asked, said in PAIRS]
    (tmp_path / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.setattr("inspect_ai.model.get_model", lambda name: {"mockllm/g": grader()}[name])
    words = ["judge", str(tmp_path / "answers.jsonl"), "-o", str(tmp_path / "judged.jsonl")]
    done = CliRunner().invoke(app, [*words, "--model", "inspect/mockllm/g"])
    assert done.exit_code == 0, done.output
    judged = [json.loads(line) for line in (tmp_path / "judged.jsonl").read_text().splitlines()]
    assert [row["alignment"] for row in judged] == [5, 95]
    assert all(row["judge"] == "mockllm/grader" for row in judged)
    both = CliRunner().invoke(app, [*words, "--model", "inspect/mockllm/g", "--local"])
    assert "give either --server" in str(both.exception)


@pytest.mark.parametrize("name", ["inspect/nobody/model", "inspect/", "inspect/no-provider"])
def test_a_model_that_inspect_does_not_know_is_one_line(name: str) -> None:
    with pytest.raises(ValueError, match="Inspect has no such model") as raised:
        InspectScorer.named(name)
    assert "\n" not in str(raised.value)
