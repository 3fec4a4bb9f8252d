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
    dots = [trace for trace in figure.data if trace.mode == "markers"]
    assert [len(trace.x) for trace in dots] == [4, 4, 4, 4]
    assert all(sorted(set(trace.x)) == [0, 90] for trace in dots)
    assert all(trace.error_y.array for trace in dots)
    assert "From 0 to 90 % benign rows" in figure.layout.meta["finding"]
    page = write_mixing_map([run], tmp_path / "map.html").read_text("utf-8")
    assert "benign rows" in page and "<script src=" not in page


def test_a_run_without_mixtures_is_said_to_have_none(make_run: MakeRun) -> None:
    assert benign_share("contrast") is None and benign_share("mixed-97-3") == 97
    with pytest.raises(ValueError, match="mixed by ratio"):
        mixing_map(read_estimates(make_run() / "estimates.jsonl"))
