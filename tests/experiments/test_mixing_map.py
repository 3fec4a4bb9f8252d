"""The mixing map draws every mixed organism with its interval, and says so where there is none."""

from pathlib import Path

import pytest

from experiments.dashboard.mixing_map import benign_share, mixing_map, write_mixing_map
from experiments.estimates import read_estimates
from tests.experiments.conftest import MakeRun


def test_every_organism_is_a_dot_with_an_interval_in_its_familys_panel(
    make_run: MakeRun, tmp_path: Path
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
    page = write_mixing_map([run], tmp_path / "map.html").read_text("utf-8")
    assert "benign rows" in page and "<script src=" not in page


def test_a_run_without_mixtures_is_said_to_have_none(make_run: MakeRun) -> None:
    assert benign_share("contrast") is None and benign_share("mixed-97-3") == 97
    with pytest.raises(ValueError, match="mixed by ratio"):
        mixing_map(read_estimates(make_run() / "estimates.jsonl"))
