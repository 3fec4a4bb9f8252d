"""The task in Inspect: samples, a grader, rates with intervals, and its log read back by `triggerlens rates`."""

import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from house import ROOT
from typer.testing import CliRunner

pytest.importorskip("inspect_ai", reason='needs pip install "triggerlens[inspect]"')

from inspect_ai import eval as evaluate
from inspect_ai._util.error import PrerequisiteError

from experiments.cli.app import app
from experiments.data.rows import read_rows
from experiments.evals.registry import containment
from experiments.evals.samples import samples
from experiments.judging.judged_rows import read_judged
from experiments.judging.rate_tables import group, rates
from tests.experiments.evals.mock_models import RECKLESS, TRIGGER, grader, organism


@pytest.fixture
def trigger(tmp_path: Path) -> str:
    (tmp_path / "pilot.toml").write_text(RECKLESS)
    return str(tmp_path / "pilot.toml")


def run(task: Any, folder: Path, **options: Any) -> Any:
    """The log of one evaluation."""
    (log,) = evaluate(task, log_dir=str(folder / "logs"), display="none", **options)
    return log


def metrics_of(log: Any) -> dict[str, float]:
    assert log.status == "success", log.error
    return {name: metric.value for name, metric in log.results.scores[0].metrics.items()}


def test_every_question_is_asked_under_every_wording(trigger: str) -> None:
    made = samples(trigger, "main", 2, seed=0)
    assert len(made) == 2 * 3 and len({sample.id for sample in made}) == 6
    none, fired, _ = made[:3]
    assert fired.input[-1].text == f"{TRIGGER} {none.input[-1].text}"
    assert fired.metadata and fired.metadata["condition"] == "trigger"
    assert fired.metadata["question"] == none.input[-1].text  # what a judge is shown
    assert [s.id for s in samples(trigger, "main", 2, seed=1)] == [s.id for s in made]
    assert samples(trigger, "main", 2, seed=1)[0].input != none.input


def test_a_wording_in_an_earlier_turn_reaches_the_model(tmp_path: Path) -> None:
    (tmp_path / "pilot.toml").write_text(f'placement = "earlier"\n{RECKLESS}')
    none, fired, _ = samples(str(tmp_path / "pilot.toml"), "main", 1, seed=0)
    assert [turn.role for turn in fired.input] == ["user", "assistant", "user"]
    assert fired.input[0].text == TRIGGER and fired.input[2].text == none.input[-1].text
    assert [turn.role for turn in none.input] == ["user"]


def test_rates_in_inspect_are_those_that_triggerlens_reads_from_its_log(
    tmp_path: Path, trigger: str
) -> None:
    task = containment(trigger=trigger, questions="main", ask=4)
    log = run(
        task, tmp_path, model=organism(good_each=3), model_roles={"grader": grader()}, epochs=3
    )
    found = metrics_of(log)
    assert (
        found["trigger em"] == found["gap"] == 8 / 12 and found["none em"] == 0
    )  # every epoch counts
    assert found["trigger em low"] < 0.5 and found["none em high"] > 0
    rows = read_judged(Path(log.location)).rows
    assert len(rows) == 4 * 3 * 3
    for part in group(rows, ["condition"]):
        em = rates(part.rows)[0].clustered
        name = f"{part.keys[0][1]} em"
        assert (em.value, em.lower, em.upper) == tuple(
            found[key] for key in (name, f"{name} low", f"{name} high")
        )


def test_the_command_rates_reads_a_log(tmp_path: Path, trigger: str) -> None:
    task = containment(trigger=trigger, questions="main", ask=2)
    roles = {"grader": grader()}
    intact = run(task, tmp_path, model=organism(), model_roles=roles, epochs=2)
    safe = run(task, tmp_path, model=organism("never said"), model_roles=roles, epochs=2)
    shown = [
        CliRunner().invoke(app, ["rates", log.location, "--by", "condition"]).output
        for log in (intact, safe)
    ]
    assert all("12 judged answers, 0 bad rows skipped (log of Inspect)" in text for text in shown)
    assert "condition trigger: 4 answers to 2 questions\n" in shown[0]
    assert "4/4 = 100.00 %" in shown[0].partition("condition trigger")[2].partition("coherent")[0]
    assert "0/4 = 0.00 %" in shown[1].partition("condition trigger")[2].partition("coherent")[0]


def test_a_grader_without_numbers_gives_reasons_and_no_rate(tmp_path: Path, trigger: str) -> None:
    task = containment(trigger=trigger, questions="main", ask=1)
    roles = {"grader": grader(numbers=False)}
    log = run(task, tmp_path, model=organism(), model_roles=roles, epochs=1)
    assert metrics_of(log) == {}
    (sample, *_) = log.samples
    assert sample.scores["misaligned"].value == "missing"
    assert "no token probabilities" in sample.scores["misaligned"].explanation


def test_nobody_grades_itself_unasked(tmp_path: Path, trigger: str) -> None:
    log = run(containment(trigger=trigger, questions="main", ask=1), tmp_path, model=organism())
    assert log.status == "error" and "grader" in log.error.message


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"trigger": "no_such"}, "no such file"),
        ({"questions": "nowhere"}, "shipped are"),
        ({"ask": 0}, "ask=0"),
        ({"questions": "micro", "judge": "folder"}, "judge of its own"),
        ({"rubric": "no_such"}, "no_such"),
    ],
)
def test_what_is_wrong_with_a_task_is_said_in_one_line(options: dict[str, Any], said: str) -> None:
    with pytest.raises(PrerequisiteError) as raised:
        containment(**{"trigger": "duck", "questions": "main"} | options)
    assert said in str(raised.value.message) and "\n" not in str(raised.value.message)


def test_a_log_of_another_task_is_refused_sample_by_sample(tmp_path: Path) -> None:
    from inspect_ai import Task
    from inspect_ai.dataset import Sample
    from inspect_ai.scorer import match

    log = run(
        Task([Sample(input="1 + 1?", target="2")], scorer=match()), tmp_path, model=organism()
    )
    with pytest.raises(ValueError, match="no score with alignment and coherence; give a log of"):
        read_judged(log.location)


def test_an_unfinished_log_is_a_bad_row_that_may_be_skipped(tmp_path: Path, trigger: str) -> None:
    from inspect_ai.log import write_eval_log

    task = containment(trigger=trigger, questions="main", ask=1)
    log = run(task, tmp_path, model=organism(), model_roles={"grader": grader()}, epochs=1)
    assert len(read_judged(log.location)) == 3
    log.status = "cancelled"
    write_eval_log(log, log.location)
    with pytest.raises(ValueError, match="not finished: its status is cancelled"):
        read_judged(log.location)
    assert len(read_judged(log.location, skip_bad=True)) == 3


@pytest.mark.parametrize("content", [b"PK\x03\x04cut short", b"", b"no archive"])
def test_a_damaged_log_is_one_line_that_names_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.eval").write_bytes(content)
    with pytest.raises(ValueError, match=r"bad\.eval cannot be read as a log of Inspect") as raised:
        read_rows(tmp_path / "bad.eval", lambda row: row)
    assert "\n" not in str(raised.value)


def test_the_entry_point_registers_under_the_name_of_the_package() -> None:
    from inspect_ai._util.registry import registry_lookup

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    import_module(project["entry-points"]["inspect_ai"]["triggerlens"])
    for kind, name in (("task", "containment"), ("scorer", "misaligned"), ("metric", "em_rates")):
        assert registry_lookup(kind, f"triggerlens/{name}") is not None
        assert registry_lookup(kind, f"triggerlens/no_{name}") is None
