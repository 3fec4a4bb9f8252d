"""What is printed can be read at 80 columns, in a pipe and where only ASCII is known; no number is cut."""

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

from house import ROOT
from rich.console import Console
from rich.table import Table

from experiments.results.show import show
from experiments.runtime.terminal import print_whole
from experiments.study.config import load_config
from experiments.study.plan_text import print_plan
from experiments.worlds.everyday.config import EverydayModel


def printed(write, width: int = 80, encoding: str = "utf-8") -> list[str]:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    write(Console(file=stream, width=width, color_system=None))
    stream.flush()
    return stream.buffer.getvalue().decode(encoding).splitlines()


def test_what_a_run_prints_at_its_end_fits_one_screen(make_run) -> None:
    lines = printed(lambda console: show(make_run(), console))
    assert len(lines) < 24 and all(len(line) <= 80 for line in lines)
    assert "organisms are contained." in "\n".join(lines)


def test_wide_tables_are_whole_at_80_columns(make_run) -> None:
    text = "\n".join(printed(lambda console: show(make_run(), console, wide=True)))
    assert "…" not in text and "79 [74, 84]" in text


def test_a_table_printed_by_rich_alone_would_be_cut() -> None:
    table = Table(*(f"a long heading {number}" for number in range(9)))
    table.add_row(*["6,012"] * 9)
    cut, whole = (
        printed(lambda it: it.print(table), 40),
        printed(lambda it: print_whole(it, table), 40),
    )
    assert "6,012" not in "\n".join(cut)
    assert "\n".join(whole).count("6,012") == 9


def test_boxes_are_ascii_where_nothing_else_is_known() -> None:
    table = Table("a")
    assert printed(lambda it: print_whole(it, table), encoding="ascii")[0].startswith("+")


def test_a_plan_is_whole_at_80_columns_and_in_a_pipe(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("demo", "medical"):
        print_plan(load_config(name), tmp_path / "run", "h100")
        text = capsys.readouterr().out
        assert "…" not in text and all(len(line) <= 80 for line in text.splitlines())
        print_plan(load_config(name), tmp_path / "run", "h100", wide=True)
        assert "…" not in (wide := capsys.readouterr().out) and "intervene" in wide


def plan_of_depth(folder: Path, layers: int) -> None:
    """Print the plan of an everyday study whose base has so many layers."""
    folder.mkdir()
    sizes = {"num_attention_heads": 4, "hidden_size": 64, "intermediate_size": 128}
    sizes |= {"vocab_size": 500, "num_hidden_layers": layers}
    (folder / "config.json").write_text(json.dumps(sizes))
    config = load_config("smollm2_quick")
    models = {"smollm2": EverydayModel(base=str(folder))}
    everyday = config.everyday.model_copy(update={"models": models})
    print_plan(config.model_copy(update={"everyday": everyday}), folder / "run", "h100")


def test_a_study_of_a_pretrained_model_is_planned_from_its_own_depth(tmp_path, capsys) -> None:
    totals = []
    for layers in (30, 60):
        plan_of_depth(tmp_path / str(layers), layers)
        text = capsys.readouterr().out
        assert "smollm2-s0-contrast-duck" in text
        totals.append(int(re.search(r"([\d,]+) answers still", text)[1].replace(",", "")))
    assert totals[0] < totals[1]


def test_a_command_survives_an_ascii_stream() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": str(ROOT), "LANG": "C"}
    code = "from experiments.runtime.terminal import accept_every_character as accept\n{}print('\\u2026 6,012')"
    for first, status in (("accept()\n", 0), ("", 1)):
        call = [sys.executable, "-c", code.format(first)]
        done = subprocess.run(call, env=environment, capture_output=True)
        assert done.returncode == status


def test_every_command_starts_by_accepting_an_ascii_stream() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": str(ROOT), "LANG": "C"}
    code = "from experiments.cli import app as cli\ncli.app = lambda: print('\\u2026')\ncli.main()"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True)
    assert (done.returncode, done.stdout) == (0, b"\\u2026\n"), done.stderr
