"""The code cells of every notebook run, and stand there with outputs."""

import json
from pathlib import Path
from typing import Any

import pytest

from experiments.notebooks.execute import notebooks, run_cells

ROOT = Path(__file__).parents[2]
FINE_TUNES = {"find_the_direction"}


def marked() -> list[Any]:
    """Every notebook; those that fine-tune are long."""
    return [
        pytest.param(path, id=path.stem, marks=[pytest.mark.long] * (path.stem in FINE_TUNES))
        for path in notebooks()
    ]


@pytest.mark.parametrize("path", marked())
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
