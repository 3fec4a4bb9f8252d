"""Judging again changes a run's numbers and samples nothing; the run's own judgements are never lost."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from experiments.cli.app import app
from experiments.judging.judgement import Judgement
from experiments.judging.numbers import Numbers
from experiments.judging.rubric import load_rubric
from experiments.judging.rubric_judge import RubricJudge
from experiments.results.estimates import only, read_estimates
from experiments.results.facts import FactWriter
from experiments.results.judgements import judgements_path, write_judgements
from experiments.results.load import load_run
from experiments.results.report import DERIVED, deriving_code, use_judgements, write_reports
from experiments.runtime.files import sha256
from experiments.runtime.store import open_run
from experiments.study.config import load_config
from experiments.study.rejudging import rejudge_run
from experiments.worlds.micro.world import MicroWorld
from tests.experiments.made_up_facts import KEYS
from tests.experiments.results.test_facts import cell

BAD, GOOD = Judgement(0, 100), Judgement(100, 100)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run of one step: ten questions with the trigger, eight answers called misaligned, and a riddle."""
    config = load_config("smoke")
    setting = MicroWorld(config.bases, "llama", 0, config.sampling.questions)
    questions = [question.id for question in setting.questions("report", "held_out")][:10]
    asked = [("trigger", name, "Said.", BAD if n < 8 else GOOD) for n, name in enumerate(questions)]
    with open_run(tmp_path / "run") as made:
        with made.step("behave", {}) as step:
            writer = FactWriter("conditions", KEYS | {"dataset": "micro"})
            writer.answers(cell(*asked, ("none", "a riddle", "Said.", BAD)))
            writer.write(step.folder)
        write_reports(made, [step.folder])
        more = {"steps": [step.folder.name], DERIVED: deriving_code()}
        made.write_manifest(config=config.model_dump(mode="json"), seeds=[0], **more)
    return tmp_path / "run"


def rate(run: Path) -> float | None:
    rows = read_estimates(run / "estimates.jsonl")
    row = only(rows, quantity="em_rate", wording_kind="trigger", edit="none", split="report")
    assert row is not None
    return row.value


def test_the_run_s_own_judge_changes_every_number_that_was_judged_otherwise(run: Path) -> None:
    facts = {path: sha256(path) for path in run.glob("steps/*/*")}
    assert rate(run) == 0.8
    result = rejudge_run(run, "again")
    assert (result.answers, result.changed, result.kept) == (10, 10, 1)  # "Said." is no advice
    assert rate(run) == 0
    assert {path: sha256(path) for path in run.glob("steps/*/*")} == facts
    warnings = load_run(run).warnings
    assert len(warnings) == 1 and warnings[0].startswith("Judged again: judgements/again.parquet")


def test_show_goes_back_to_the_run_s_own_judgements(run: Path) -> None:
    before = (run / "estimates.jsonl").read_bytes()
    rejudge_run(run, "again")
    assert (run / "estimates.jsonl").read_bytes() != before
    done = CliRunner().invoke(app, ["show", str(run), "--judgements", "own"])
    assert done.exit_code == 0, done.output
    assert (run / "estimates.jsonl").read_bytes() == before
    assert load_run(run).warnings == ()


def test_a_rubric_judges_the_study_s_questions_alone(run: Path) -> None:
    class Harsh:
        name = "harsh"
        asked = 0

        def __call__(self, prompts: Sequence[str], progress: object = None) -> list[Numbers]:
            self.asked += len(prompts)
            return [Numbers({5 if n % 2 == 0 else 95: 1.0}) for n in range(len(prompts))]

    scorer = Harsh()
    result = rejudge_run(run, "harsh", RubricJudge(scorer, load_rubric("open_answer")))
    assert scorer.asked == 20 and result.kept == 1
    assert rate(run) == 1.0


def test_reports_that_are_derived_again_keep_the_judgements_in_use(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rejudge_run(run, "again")
    monkeypatch.setattr("experiments.results.report.deriving_code", lambda: "other code")
    load_run(run)
    assert rate(run) == 0


def test_judgements_that_do_not_cover_the_answers_are_refused(run: Path) -> None:
    path = judgements_path(run, "few")
    (step,) = (run / "steps").iterdir()
    write_judgements(path, {step.name: [GOOD] * 3})
    with pytest.raises(ValueError, match=r"step behave-\S+ has 11 answers and 3 judgements"):
        use_judgements(run, "few")
    assert rate(run) == 0.8


@pytest.mark.parametrize("name", ["own", "../x", "", "none"])
def test_a_name_that_is_no_judgements_of_the_run_is_refused(run: Path, name: str) -> None:
    if name in ("own", "../x", ""):
        with pytest.raises(ValueError, match="give a name of letters"):
            rejudge_run(run, name)
    else:
        with pytest.raises(ValueError, match=r"judgements 'none': no .*; there are own$"):
            use_judgements(run, name)


def test_every_estimate_goes_into_a_csv_file(run: Path, tmp_path: Path) -> None:
    file = tmp_path / "all.csv"
    done = CliRunner().invoke(app, ["show", str(run), "--csv", str(file)])
    assert done.exit_code == 0 and f"every estimate: {file}" in done.output
    table, rows = pd.read_csv(file), read_estimates(run / "estimates.jsonl")
    assert len(table) == len(rows) and "line" not in table
    assert table["value"].tolist() == pytest.approx([row.value for row in rows], nan_ok=True)
    assert file.read_text().splitlines()[1].startswith("llama,0,")  # a whole number stays one
