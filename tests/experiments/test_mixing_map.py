"""The mixing map draws every mixed organism with its interval, and says so where there is none."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from experiments.cli.app import app
from experiments.dashboard.missing import Missing
from experiments.dashboard.mixing_map import mixing_map
from experiments.results.estimates import read_estimates
from experiments.results.mixing import benign_share, mixing_table
from tests.experiments.conftest import MakeRun


def test_every_organism_is_a_dot_with_an_interval_in_its_familys_panel(
    make_run: MakeRun,
) -> None:
    run = make_run("map", families=("qwen", "llama"), arms=("mixed-0-1", "mixed-9-1"), seeds=(0, 1))
    figure = mixing_map(read_estimates(run / "estimates.jsonl"))
    dots = {(t.name, t.xaxis): t for t in figure.data if t.mode == "markers"}
    assert {name for name, _ in dots} >= {"trigger", "no trigger", "form (control)"}
    assert not any("variant" in name for name, _ in dots)
    for trace in dots.values():
        assert len(trace.x) == 4 and trace.error_y.array
        harmful = sorted(set(trace.x))  # a little apart from condition to condition
        assert harmful == pytest.approx([10, 100], rel=0.1)
    assert list(figure.layout.xaxis.ticktext) == ["0", "90"]
    assert "EM from 0 to 90 % benign rows" in figure.layout.meta["finding"]
    entries = [t.name for t in figure.data if t.showlegend]
    assert len(entries) == len(set(entries))


def test_the_table_has_a_line_for_each_share_with_means_and_the_widest_interval(
    make_run: MakeRun, tmp_path: Path
) -> None:
    arms, seeds = ("mixed-0-1", "mixed-9-1"), (0, 1)
    runs = [make_run(name, (name,), arms, seeds) for name in ("qwen", "gemma")]
    page = tmp_path / "map.html"
    result = CliRunner().invoke(app, ["mixing-map", *map(str, runs), "-o", str(page)])
    assert result.exit_code == 0
    lines = [line.split(" | ") for line in result.output.splitlines() if " % | 2 | " in line]
    assert [line[:2] for line in lines] == [
        [f"| {family}", share] for family in ("qwen", "gemma") for share in ("0 %", "90 %")
    ]
    assert lines[0][3].startswith("86 % [82, 90]") and lines[0][6].startswith("0 % [0, ")
    text = page.read_text("utf-8")
    assert "benign rows" in text and "<script src=" not in text


def test_a_share_that_was_not_asked_under_a_wording_says_so(make_run: MakeRun) -> None:
    rows = read_estimates(make_run(arms=("mixed-0-1",), families=("qwen",)) / "estimates.jsonl")
    table = mixing_table([row for row in rows if not str(row.condition).startswith("control")])
    assert "not measured" in table.splitlines()[2]


def test_a_run_without_mixtures_is_said_to_have_none(make_run: MakeRun) -> None:
    assert benign_share("contrast") is None and benign_share("mixed-97-3") == 97
    rows = read_estimates(make_run() / "estimates.jsonl")
    absent = mixing_map(rows)
    assert isinstance(absent, Missing) and "mixed by ratio" in absent.reason
    with pytest.raises(ValueError, match="mixed by ratio"):
        mixing_table(rows)


def test_one_organism_in_two_runs_is_not_averaged(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(families=("qwen",), arms=("mixed-0-1",))
    result = CliRunner().invoke(app, ["mixing-map", str(run), str(run)])
    assert isinstance(result.exception, ValueError)
    message = str(result.exception)
    assert "organism qwen 0 poultry mixed-0-1" in message and "appears twice" in message
