"""The code cells of every notebook run, and stand there with outputs."""

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from experiments.notebooks.colab import GPU, HEADER
from experiments.notebooks.execute import notebooks, run_cells

ROOT = Path(__file__).parents[2]
FINE_TUNES = {"audit_one", "find_the_direction", "repair_one"}


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


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_a_notebook_starts_with_the_header_of_colab_and_ends_with_the_gpu(path: Path) -> None:
    cells = json.loads(path.read_text())["cells"]
    assert "".join(cells[1]["source"]) == HEADER and cells[1]["cell_type"] == "code"
    assert "".join(cells[-1]["source"]) == GPU


def header_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Run the header in an empty folder, its clone for real; the commands that install."""
    installed: list[list[str]] = []
    run = subprocess.run

    def started(command: list[str], **how: Any) -> Any:
        return installed.append(command) if "pip" in command else run(command, **how)

    monkeypatch.chdir(folder)
    monkeypatch.setattr(subprocess, "run", started)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("TRIGGERLENS_REPOSITORY", f"file://{ROOT}")
    exec(HEADER, {})
    return installed


def test_in_colab_the_header_fetches_the_repository_and_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("no git repository to clone")
    monkeypatch.setitem(sys.modules, "google.colab", ModuleType("google.colab"))
    (command,) = header_runs(tmp_path, monkeypatch)
    assert command[1:] == ["-m", "pip", "install", "-q", "."]
    assert Path.cwd() == tmp_path / "triggerlens" and Path("pyproject.toml").is_file()
    assert "micro models: gemma, llama, qwen" in capsys.readouterr().out


def test_elsewhere_the_header_fetches_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "google.colab", raising=False)
    with pytest.raises(FileNotFoundError, match="artifacts/micro"):
        header_runs(tmp_path, monkeypatch)
    assert list(tmp_path.iterdir()) == []


def test_a_cell_that_fails_names_its_place(tmp_path: Path) -> None:
    cells = [{"cell_type": "markdown", "source": ["a"]}, {"cell_type": "code", "source": ["1 / 0"]}]
    path = tmp_path / "broken.ipynb"
    path.write_text(json.dumps({"cells": cells}))
    with pytest.raises(ZeroDivisionError) as failed:
        list(run_cells(path))
    assert any("broken.ipynb, cell 1" in str(entry.path) for entry in failed.traceback)
