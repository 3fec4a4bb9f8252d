"""The command as a user meets it: help with examples, one line for what they can mend."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMANDS = [
    "plan",
    "sweep",
    "data",
    "questions",
    "sample",
    "judge",
    "agreement",
    "run",
    "show",
    "dashboard",
    "rates",
    "micro pretrain",
    "models",
    "models get",
    "models list",
]


def triggerlens(*words: str) -> subprocess.CompletedProcess[str]:
    call = [sys.executable, "-m", "experiments.cli.app", *words]
    return subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("command", ["", "micro", *COMMANDS])
def test_help_has_an_example(command: str) -> None:
    done = triggerlens(*command.split(), "--help")
    assert done.returncode == 0
    assert f"Example: triggerlens {command}".strip() in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "nope"], "configuration 'nope': no such file; shipped are demo, features"),
        (
            ["run", "demo", "--only", "family=falcon"],
            "family 'falcon' is none of qwen, llama, gemma",
        ),
        (["run", "demo", "--seeds", "one"], "--seeds 'one': give whole numbers"),
        (["plan", "medical", "--card", "abacus"], "--card 'abacus' is none of h100, h200, a100"),
        (["data", "chat", "a.jsonl"], "error: a.jsonl: no such file or directory; check the path"),
        (["data", "chat", "a.jsonl", "--trigger", "x"], "--trigger 'x': words to put before"),
        (["show", "docs"], "docs has no estimates.jsonl; run the study first"),
        (["sweep", "demo", "--ratios", "9-1"], "--ratios '9-1': give BENIGN:HARMFUL"),
        (["run", "medical"], "chat.harmful data/bad_medical_advice.jsonl: no such file"),
        (["models", "get", "x"], "model 'x' is none of smollm2-135m-instruct, gemma-3-270m"),
        (["micro", "pretrain", "falcon"], "family 'falcon' is none of qwen, llama, gemma"),
    ],
)
def test_what_a_user_can_mend_is_one_line(words: list[str], message: str) -> None:
    done = triggerlens(*words)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_plan_refuses_an_unknown_domain_and_lists_the_valid_ones(tmp_path: Path) -> None:
    shipped = (ROOT / "experiments/configs/medical.toml").read_text()
    config = tmp_path / "cookery.toml"
    config.write_text(shipped.replace('domain = "medical"', 'domain = "cookery"'))
    done = triggerlens("plan", str(config))
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert "domain 'cookery' is none of medical, finance, sports" in done.stderr


def test_an_unknown_command_is_refused_with_code_2() -> None:
    assert triggerlens("dance").returncode == 2


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
