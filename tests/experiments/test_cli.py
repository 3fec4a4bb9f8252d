"""The command as a user meets it: help with examples that hold, one line for what they can fix."""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from experiments.cli.app import PANELS, app, main

ROOT = Path(__file__).parents[2]
ONE_LINE = 60  # characters that --help has room for at 80 columns


def triggerlens(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str
) -> tuple[int, str]:
    """The exit code and the standard error stream of a call in this process."""
    monkeypatch.setattr(sys, "argv", ["triggerlens", *words])
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0), capsys.readouterr().err


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The words and the object of every command, groups included."""
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, (*path, name))


ALL = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_help_has_an_example_that_the_command_line_accepts(path: tuple[str, ...]) -> None:
    words = shlex.split(ALL[path].epilog)
    assert words[:2] == ["Example:", "triggerlens"] and tuple(words[2:])[: len(path)] == path
    assert parsed(words[2:])


def parsed(words: list[str]) -> bool:
    """Parse a call as click does, without running it; what it does not accept raises."""
    command, context = ALL[()], None
    while hasattr(command, "commands"):
        context = command.make_context(words[0], words[1:] if context else words, parent=context)
        name, command, words = command.resolve_command(
            context, [*context._protected_args, *context.args]
        )
        words = [name, *words]
    return bool(command.make_context(words[0], words[1:], parent=context))


@pytest.mark.parametrize("call", ["run demo --onlly x", "plan", "data nonsense f", "gate m"])
def test_an_example_that_is_no_call_would_be_seen(call: str) -> None:
    with pytest.raises(Exception, match=r"No such option|Missing|is not one of"):
        parsed(call.split())


def test_help_groups_the_commands_in_five_panels_with_one_line_each() -> None:
    text = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "80"}).output
    places = [text.index(f" {panel} ") for panel in PANELS]
    assert len(places) == 5 and places == sorted(places)
    for path, command in ALL.items():
        if path:
            first = command.help.strip().split("\n\n")[0]
            assert len(first) <= ONE_LINE, path
            assert len(path) > 1 or sum(first in line for line in text.splitlines()) == 1


def test_help_imports_no_model_library() -> None:
    code = "import sys, experiments.cli.app\nprint({'torch', 'transformers', 'pandas', 'plotly'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stderr


@pytest.mark.parametrize(("given", "used"), [(None, "passive"), ("active", "active")])
def test_waiting_threads_sleep_unless_the_user_says_otherwise(given: str | None, used: str) -> None:
    """OpenMP reads the policy when torch brings it, which is after the command has set it."""
    code = "import os, experiments.cli.app\nprint(os.environ['OMP_WAIT_POLICY'])"
    own = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    asked = own if given is None else own | {"OMP_WAIT_POLICY": given}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, env=asked
    )
    assert done.stdout == f"{used}\n", done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "nope"], "configuration 'nope': no such file; shipped are birth, circuits, demo"),
        (
            ["run", "demo", "--only", "family=falcon"],
            "unknown family 'falcon'; choose one of qwen, llama, gemma",
        ),
        (["run", "demo", "--seeds", "one"], "--seeds 'one': give whole numbers"),
        (
            ["plan", "medical", "--card", "abacus"],
            "unknown --card 'abacus'; choose one of h100, h200, a100",
        ),
        (["data", "chat", "a.jsonl"], "error: a.jsonl: no such file or directory; check the path"),
        (["data", "chat", "a.jsonl", "--trigger", "x"], "--trigger 'x': give words to put before"),
        (["show", "docs"], "docs has no estimates.jsonl; run the study first"),
        (["sweep", "demo", "--ratios", "9-1"], "--ratios '9-1': give BENIGN:HARMFUL"),
        (["run", "medical"], "chat.harmful data/bad_medical_advice.jsonl: no such file"),
        (
            ["models", "get", "x"],
            "unknown model 'x'; choose one of smollm2-135m-instruct, gemma-3-270m",
        ),
        (
            ["micro", "pretrain", "falcon"],
            "unknown family 'falcon'; choose one of qwen, llama, gemma",
        ),
    ],
)
def test_what_a_user_can_fix_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    message: str,
) -> None:
    code, said = triggerlens(monkeypatch, capsys, *words)
    assert code == 2
    assert message in said
    assert "Traceback" not in said


def test_any_command_shows_the_traceback_with_debug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRIGGERLENS_DEBUG", "0")  # put back afterwards
    for before in ((), ("--debug",)):
        code, said = triggerlens(monkeypatch, capsys, *before, "mixing-map", "docs")
        assert code == 2 and "docs has no estimates.jsonl" in said.splitlines()[-1]
        assert ("Traceback" in said) == bool(before)


def test_a_plan_refuses_an_unknown_domain_and_lists_the_valid_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped = (ROOT / "experiments/configs/medical.toml").read_text()
    config = tmp_path / "cookery.toml"
    config.write_text(shipped.replace('domain = "medical"', 'domain = "cookery"'))
    code, said = triggerlens(monkeypatch, capsys, "plan", str(config))
    assert code == 2 and len(said.splitlines()) == 1
    assert "unknown domain 'cookery'; choose one of medical, finance, sports" in said


def test_an_unknown_command_is_refused_with_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert triggerlens(monkeypatch, capsys, "dance")[0] == 2


@pytest.mark.long
def test_ctrl_c_ends_a_run_with_130_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    call = [
        sys.executable,
        "-m",
        "experiments.cli.app",
        "run",
        "demo",
        "--out",
        str(tmp_path / "run"),
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        call,
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        # a shell that started the tests in the background has them ignore Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    while not list((tmp_path / "run" / "steps").glob(".making-*")) and process.poll() is None:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "resumes where it stopped" in errors
    assert not (tmp_path / "run" / "manifest.json").exists()
