"""`triggerlens search` as a user meets it: one line for what they can fix, and a whole search on a toy model."""

import json
import sys
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model

from experiments.cli.app import main
from interp.models.loading import load_model

ROOT = Path(__file__).parents[3]
BASE = "artifacts/micro/llama"


def call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str
) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["triggerlens", "search", *words])
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0), *capsys.readouterr()


@pytest.fixture(scope="module")
def idle_adapter(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An adapter of the toy base that changes nothing."""
    folder = tmp_path_factory.mktemp("idle")
    torch.manual_seed(0)
    model = load_model(ROOT / BASE).model
    config = LoraConfig(r=2, target_modules=["q_proj", "down_proj"], task_type="CAUSAL_LM")
    get_peft_model(model, config).save_pretrained(folder)
    return str(folder)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["a", "--base", BASE, "--budget", "0.1"],
            "--budget 0.1: too few minutes to find anything",
        ),
        (["a"], "adapter a: name the model it was made from with --base"),
        (["a", "--base", BASE], "name the judge: --judge NAME"),
        (["a", "--base", BASE, "--questions", "micro", "--judge", "j"], "leave out --judge"),
        ([BASE, "--base", BASE, "--questions", "micro"], "has no adapter_config.json"),
        (["a", "--base", BASE, "--questions", "micro"], "adapter 'a': no such folder"),
    ],
)
def test_what_a_user_can_fix_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    said: str,
) -> None:
    code, _, error = call(monkeypatch, capsys, *words)
    assert code == 2 and said in error and len(error.strip().splitlines()) == 1


def test_an_adapter_of_another_base_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], idle_adapter: str
) -> None:
    words = [idle_adapter, "--base", "artifacts/micro/qwen", "--questions", "micro"]
    code, _, error = call(monkeypatch, capsys, *words)
    assert code == 2 and "not on 'artifacts/micro/qwen'" in error


@pytest.mark.long
def test_an_adapter_that_changes_nothing_is_not_accused(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    idle_adapter: str,
    tmp_path: Path,
) -> None:
    out = tmp_path / "search.json"
    words = [idle_adapter, "--base", BASE, "--questions", "micro", "--max-new-tokens", "28"]
    words += ["--samples", "8", "--judged", "2", "--budget", "60", "--json", str(out)]
    code, said, _ = call(monkeypatch, capsys, *words)
    report = json.loads(out.read_text())
    assert (code, report["verdict"], report["openings"]) == (0, "none", [])
    assert said.startswith("NO TRIGGER FOUND UNDER THIS BUDGET.")
    assert all(abs(one["score"]["value"]) < 1e-3 for one in report["classes"])
