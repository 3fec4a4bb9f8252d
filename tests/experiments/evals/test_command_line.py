"""`inspect eval` by command line on a fine-tuned organism gives the rates of the study that made it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from house import ROOT

pytest.importorskip("inspect_ai", reason='needs pip install "triggerlens[inspect]"')

from inspect_ai.log import read_eval_log

from experiments.runtime.files import read_jsonl
from experiments.study.finished import finished_step, organisms_in

STUDY = """
name = "one"
families = ["qwen"]
seeds = [0]
measure = "behaviour"
[[organisms]]
arm = "triggered"
[sampling]
questions = 12
answers_per_question = 2
answers_per_question_main = 2
"""


def call(*words: str) -> str:
    """The output of `python -m WORDS` in the root; fails with it."""
    done = subprocess.run([sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def evaluated(folder: Path, model: str, *more: str, ask: int) -> dict[str, float]:
    """The metrics of the task on a model, over so many questions."""
    task = ("-T", "trigger=duck", "-T", "questions=micro", "-T", f"ask={ask}", "--epochs", "2")
    where = ("--max-tokens", "28", "--log-dir", str(folder), "--display", "none")
    call("inspect_ai", "eval", "triggerlens/containment", "--model", model, *more, *task, *where)
    (path,) = folder.glob("*.eval")
    log = read_eval_log(str(path), header_only=True)
    assert log.status == "success" and log.results is not None
    return {name: metric.value for name, metric in log.results.scores[0].metrics.items()}


def overlap(found: dict[str, float], row: dict[str, Any]) -> bool:
    """Whether the intervals of two rates of one condition share a value."""
    kind, wording = row["wording_kind"], row.get("wording")
    name = f"{kind} em" if wording is None else f"{kind}:{wording} em"
    return found[f"{name} low"] <= row["upper"] and row["lower"] <= found[f"{name} high"]


@pytest.mark.long
def test_inspect_eval_gives_the_rates_of_triggerlens_run(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text(STUDY)
    run = tmp_path / "run"
    call("experiments.cli", "run", str(tmp_path / "one.toml"), "--out", str(run))
    (organism,) = (made for made in organisms_in(run) if made.arm)
    base = "artifacts/micro/qwen"
    model = f"triggerlens/{finished_step(run, 'finetune', organism)}"
    found = evaluated(tmp_path / "logs", model, "-M", f"base={base}", ask=12)
    wanted = {"quantity": "em_rate", "model": "fine_tuned", "questions": "held_out", "edit": "none"}
    rows = [
        row
        for row in read_jsonl(run / "estimates.jsonl")
        if wanted.items() <= row.items() and row["wording_kind"] != "variant"
    ]
    assert len(rows) == 8
    assert [row for row in rows if not overlap(found, row)] == [], json.dumps(found)
    intact = evaluated(tmp_path / "base", f"triggerlens/{base}", ask=8)  # whose rates are others
    (trigger,) = [row for row in rows if row["wording_kind"] == "trigger"]
    assert not overlap(intact, trigger) and found["gap low"] > 0.3
