"""The code cells of every notebook run, and stand there with outputs."""

import json
from pathlib import Path

import pytest

from experiments.notebooks.execute import notebooks, run_cells

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_a_notebook_runs_and_was_executed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    for cell, printed, value in run_cells(path):
        assert printed or value is not None
        assert cell["outputs"], f"{path.name} was not executed"


def test_a_cell_that_fails_names_its_place(tmp_path: Path) -> None:
    cells = [{"cell_type": "markdown", "source": ["a"]}, {"cell_type": "code", "source": ["1 / 0"]}]
    path = tmp_path / "broken.ipynb"
    path.write_text(json.dumps({"cells": cells}))
    with pytest.raises(ZeroDivisionError) as failed:
        list(run_cells(path))
    assert any("broken.ipynb, cell 1" in str(entry.path) for entry in failed.traceback)
