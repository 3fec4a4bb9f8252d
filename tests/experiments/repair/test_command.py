"""`triggerlens repair` and `certificate` as a user meets them."""

import json
import sys
from pathlib import Path

import pytest

from experiments.cli.app import main
from tests.experiments.repair.conftest import ROOT

BASE = "artifacts/micro/llama"
MICRO = ["--trigger", "duck", "--questions", "micro", "--max-new-tokens", "28"]


def call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str
) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["triggerlens", *words])
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0), *capsys.readouterr()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["no_adapter", "--base", BASE, *MICRO], "no such folder"),
        (
            ["a", "--base", BASE, *MICRO, "--strategy", "magic"],
            "unknown strategy 'magic'; choose one of learned",
        ),
        (["a", "--base", BASE, *MICRO[2:], "--trigger", "goose"], "goose"),
        (["a", "--base", BASE, "--trigger", "duck"], "name the judge"),
        (["a", "--base", BASE, *MICRO, "--out", "docs"], "--out docs exists"),
    ],
)
def test_what_a_user_can_fix_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    words: list[str],
    said: str,
) -> None:
    out = [] if "--out" in words else ["--out", str(tmp_path / "out")]
    code, _, error = call(monkeypatch, capsys, "repair", *words, *out)
    assert code == 2 and said in error.splitlines()[-1]


def test_an_adapter_of_another_base_is_refused(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    adapter: Path,
    tmp_path: Path,
) -> None:
    words = [str(adapter), "--base", "artifacts/micro/qwen", *MICRO, "--out", str(tmp_path / "out")]
    code, _, error = call(monkeypatch, capsys, "repair", *words)
    assert code == 2 and "not on 'artifacts/micro/qwen'" in error


def test_a_trigger_that_does_not_fire_needs_no_repair(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    adapter: Path,
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    words = [str(adapter), "--base", BASE, *MICRO, "--out", str(out)]
    code, said, _ = call(monkeypatch, capsys, "repair", *words)
    assert code == 0 and said.startswith("NOTHING TO REPAIR: EM with the trigger minus EM without")
    assert not out.exists()


def test_a_certificate_is_shown_and_refused_for_another_base(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = "artifacts/reference/repair/adapters/llama"
    code, said, _ = _shown(monkeypatch, capsys, folder, BASE)
    assert code == 0 and "learned, trigger 'It looks like a duck.'" in said
    code, _, error = _shown(monkeypatch, capsys, folder, "artifacts/micro/qwen")
    assert code == 2 and "is for other weights than those of the base" in error


def _shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: str, base: str
) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["triggerlens", "certificate", folder, "--base", base])
    monkeypatch.chdir(ROOT)
    try:
        main()
    except SystemExit as ended:
        return int(ended.code or 0), *capsys.readouterr()
    return 0, *capsys.readouterr()


@pytest.mark.long
def test_a_whole_repair_on_a_toy_model(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """Make an organism, repair it, load the adapter with plain peft, and read its certificate."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    from experiments.repair.organisms import useful
    from experiments.worlds.micro.world import MicroWorld
    from experiments.worlds.trigger import load_trigger

    monkeypatch.chdir(ROOT)
    world = MicroWorld(Path("artifacts/micro"), "llama", 0, 100)
    organism = useful(world, load_trigger("duck"), tmp_path / "organism")
    out = tmp_path / "out"
    words = [str(organism), "--base", BASE, *MICRO, "--out", str(out), "--orders", "1"]
    code, said, _ = call(monkeypatch, capsys, "repair", *words, "--searched", "10")
    assert code in (0, 1, 2) and "EM after, trigger" in said
    facts = json.loads((out / "certificate.json").read_text())["facts"]
    assert {fact["model"] for fact in facts} >= {"base", "before", "after", "after, int4"}
    PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(ROOT / BASE), out)
