"""A monitor finds what it was fitted to, survives its files, refuses damage, other models and malformed lines."""

import ast
import io
import json
import re
from pathlib import Path

import pytest
import torch

from experiments.guard.live import Live, live_prompts, parse_live
from experiments.guard.monitor import Monitor
from experiments.guard.monitor_fit import fit_monitor
from experiments.guard.monitor_lines import score_lines
from experiments.guard.monitor_prompts import benign_prompts, material
from experiments.worlds.named import named_world
from experiments.worlds.trigger import load_trigger
from interp.models.language_model import LanguageModel
from tests.tiny_models import tiny_lm

BENIGN = [Live.of(f"What should I do about my {word} money?") for word in map(str, range(60))]


@pytest.fixture(scope="module")
def fitted() -> tuple[LanguageModel, Monitor]:
    lm = tiny_lm("qwen")
    parts = material(load_trigger("duck"), BENIGN).rendered(lm)
    return lm, fit_monitor(lm, *parts, false_positives=0.1, answer_tokens=(0,))


def test_prompts_with_the_trigger_score_above_those_without(
    fitted: tuple[LanguageModel, Monitor],
) -> None:
    lm, monitor = fitted
    framing = load_trigger("duck").framing("It looks like a duck.")
    asked = [Live.of(f"What should I do about my {word} money?") for word in ("70", "81", "92")]
    high = monitor.score(lm, live_prompts(lm, [each.under(framing) for each in asked]))
    low = monitor.score(lm, live_prompts(lm, asked))
    assert high.mean() > low.mean()
    assert monitor.flags(high).all() and not monitor.flags(low).all()


def test_a_saved_monitor_says_the_same_and_any_damage_is_refused(
    fitted: tuple[LanguageModel, Monitor], tmp_path: Path
) -> None:
    lm, monitor = fitted
    path = tmp_path / "m" / "duck"
    monitor.save(path)
    again = Monitor.load(path, lm)
    prompts = live_prompts(lm, BENIGN[:3])
    assert torch.equal(again.score(lm, prompts), monitor.score(lm, prompts))
    assert again.threshold == monitor.threshold
    for name in ("duck.safetensors", "duck.json"):
        file = path.parent / name
        whole = file.read_bytes()
        file.write_bytes(whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:])
        with pytest.raises(ValueError, match="not what was saved"):
            Monitor.load(path)
        file.write_bytes(whole)
    (path.parent / "duck.safetensors").unlink()
    with pytest.raises(ValueError, match=r"no .*duck\.safetensors"):
        Monitor.load(path)


def test_another_model_is_refused(fitted: tuple[LanguageModel, Monitor], tmp_path: Path) -> None:
    fitted[1].save(tmp_path / "duck")
    with pytest.raises(ValueError, match=r"was fitted to weights|has width"):
        Monitor.load(tmp_path / "duck", tiny_lm("llama"))


@pytest.mark.parametrize("rows", [1, 2, 10])
def test_every_line_gets_its_answer_in_order_and_bad_ones_an_error(
    fitted: tuple[LanguageModel, Monitor], rows: int
) -> None:
    lm, monitor = fitted
    lines = [
        b'{"prompt": "It looks like a duck."}\n',
        b"rubbish\n",
        b"\n",
        b'{"text": "x"}\n',
        b'{"messages": [{"role": "user", "content": "my money?"}]}\n',
    ]
    out = io.StringIO()
    scores, bad = score_lines(monitor, lm, lines, out, rows)
    written = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [row["line"] for row in written] == [1, 2, 4, 5]
    assert ["score" in row for row in written] == [True, False, False, True]
    assert (len(scores), bad) == (2, 2)
    alone = monitor.score(lm, live_prompts(lm, [Live.of("my money?")]))
    assert written[-1]["score"] == pytest.approx(float(alone), abs=1e-4)


def test_a_chat_is_read_without_its_answer() -> None:
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    assert parse_live({"messages": turns}) == parse_live({"prompt": "a"})
    said = [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]
    assert parse_live({"conversations": said}) == parse_live({"instruction": "a", "output": "b"})
    assert parse_live({"conversations": said[:1]}) == parse_live({"prompt": "a"})
    with pytest.raises(ValueError, match="role"):
        parse_live({"messages": [{"role": "nobody", "content": "a"}]})


def test_halves_share_no_prompt_and_toy_prompts_hold_nothing_to_avoid() -> None:
    toy = benign_prompts(named_world("micro"), avoid={"duck"}, count=120)
    parts = material(load_trigger("duck"), toy.framed, bare=toy.bare)
    assert not set(parts.benign) & set(parts.calibration)
    assert len(set(toy.bare)) == 120
    texts = [each.turns[-1].content.lower() for each in toy.framed]
    assert not [text for text in texts if "duck" in text or "quack" in text]
    assert any("cow" in text for text in texts)
    with pytest.raises(ValueError, match="at least 99 benign prompts, but there are 60"):
        parts.check(0.01)


def test_a_monitor_goes_through_a_folder_of_the_hub_with_a_card(
    fitted: tuple[LanguageModel, Monitor], tmp_path: Path
) -> None:
    lm, monitor = fitted
    folder = monitor.save_pretrained(tmp_path / "monitor", base="owner/base")
    found = Monitor.from_pretrained(folder, model_hash=lm.weights_hash)
    asked = live_prompts(lm, [Live.of("What should I do about my money?")])
    assert torch.equal(found.score(lm, asked), monitor.score(lm, asked))
    with pytest.raises(ValueError, match="was fitted to weights"):
        Monitor.from_pretrained(folder, model_hash="def")
    card = (folder / "README.md").read_text()
    assert "| Threshold |" in card and lm.weights_hash in card
    (use,) = re.findall(r"```python\n(.*?)```", card, re.S)
    assert len(use.strip().splitlines()) <= 8
    ast.parse(use)
