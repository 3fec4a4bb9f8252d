"""A finished run follows the code that derives its numbers, without any step made again."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from experiments.cli.app import app
from experiments.judging.judgement import Judgement
from experiments.results.estimates import read_estimates
from experiments.results.facts import FactWriter
from experiments.results.load import load_results, load_run
from experiments.results.report import DERIVED, deriving_code, refresh, write_reports
from experiments.runtime.files import DamagedFile, read_json
from experiments.runtime.store import open_run, step_key
from interp.io import code_hash
from probes import cells
from tests.experiments.made_up_facts import KEYS
from tests.experiments.results.test_facts import cell

BAD, GOOD = Judgement(0, 100), Judgement(100, 100)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run of one step that asked ten questions under two wordings."""
    folder = tmp_path / "run"
    with open_run(folder) as made:
        with made.step("sample", {}) as step:
            writer = FactWriter("conditions", KEYS)
            said = [
                (kind, f"q{n}", "Said.", BAD if kind == "trigger" and n < 8 else GOOD)
                for kind in ("trigger", "none")
                for n in range(10)
            ]
            writer.answers(cell(*said))
            writer.write(step.folder)
        write_reports(made, [step.folder])
        names = {"steps": [step.folder.name], DERIVED: deriving_code()}
        made.write_manifest(config={"name": "made up"}, seeds=[0], **names)
    return folder


def edited(monkeypatch: pytest.MonkeyPatch, name: str = "intervals.py") -> None:
    """A file of the project holds other code, as far as hashes say."""
    content = code_hash._content

    def read(path: Path, modified: int) -> str:
        return "edited" if path.name == name else content(path, modified)

    monkeypatch.setattr(code_hash, "_content", read)


def widest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another formula for the interval of a rate: it says nothing."""
    edited(monkeypatch)
    monkeypatch.setattr(cells, "clopper_pearson", lambda *_: (0.0, 1.0))


def times(run: Path, pattern: str) -> dict[Path, int]:
    found = {path: path.stat().st_mtime_ns for path in run.glob(pattern)}
    assert found
    return found


def test_another_formula_changes_every_interval_and_makes_no_step_again(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, steps = read_estimates(run / "estimates.jsonl"), times(run, "steps/*/*")
    widest(monkeypatch)
    result = CliRunner().invoke(app, ["show", str(run)])
    assert result.exit_code == 0 and "80 [0, 100]" in result.output
    after = read_estimates(run / "estimates.jsonl")
    assert len(after) == len(before) > 8
    for old, new in zip(before, after, strict=True):
        assert (old.quantity, old.value) == (new.quantity, new.value)
        assert (old.lower, old.upper) != (new.lower, new.upper), old
    assert times(run, "steps/*/*") == steps
    assert load_results(run).warnings == ()  # the manifest knows the new files
    assert refresh(run) is False  # and that they are of today's code


def test_the_key_of_a_step_is_that_of_the_code_that_measures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key = step_key("sample", {}, ["experiments.study.steps.sample"])
    with monkeypatch.context() as patch:
        edited(patch)
        assert step_key("sample", {}, ["experiments.study.steps.sample"]) == key
    edited(monkeypatch, "sample.py")
    assert step_key("sample", {}, ["experiments.study.steps.sample"]) != key


def test_a_run_of_todays_code_is_left_as_it_is(run: Path) -> None:
    files = times(run, "*.*")
    assert refresh(run) is False
    assert load_run(run).estimates == load_results(run).estimates
    assert times(run, "*.*") == files


@pytest.mark.parametrize("command", ["dashboard", "show", "features", "mixing-map"])
def test_every_command_that_reads_a_run_writes_its_reports_again_first(
    run: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    widest(monkeypatch)
    CliRunner().invoke(app, [command, str(run)])  # two of them find nothing of theirs in it
    assert read_json(run / "manifest.json")[DERIVED] == deriving_code()
    assert {row.upper for row in read_estimates(run / "estimates.jsonl")} == {1.0}


def test_a_published_run_without_its_steps_is_left_as_it_is(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(run / "steps")
    files = times(run, "*.*")
    widest(monkeypatch)
    assert load_run(run).warnings == ()
    assert times(run, "*.*") == files


def test_an_unfinished_run_is_left_as_it_is(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (run / "manifest.json").unlink()
    widest(monkeypatch)
    assert refresh(run) is False


def test_facts_that_have_changed_are_refused_and_nothing_is_derived_from_them(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (run / "estimates.jsonl").read_text()
    (facts,) = run.glob("steps/*/answers.parquet")
    facts.write_bytes(facts.read_bytes()[:-40])
    assert load_run(run).estimates  # what was derived before is as good as it was
    widest(monkeypatch)
    with pytest.raises(DamagedFile, match=r"sample-.* is damaged \(answers\.parquet has changed\)"):
        load_run(run)
    assert (run / "estimates.jsonl").read_text() == text


def test_what_another_configuration_left_is_removed(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run / "maps.jsonl").write_text("{}\n")
    widest(monkeypatch)
    assert refresh(run) is True
    assert not (run / "maps.jsonl").exists()
