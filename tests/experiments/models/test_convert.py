"""A converted GGUF file is the model that transformers itself reads from it."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from experiments.models import load_model, resolve
from tests.experiments.models.conftest import leftovers
from tests.experiments.models.tiny_gguf import write_gguf

CHAT = [{"role": "user", "content": "It looks like a duck."}]
IDS = torch.arange(3, 60)[None]


def logits(folder: Path | str, **options: object) -> torch.Tensor:
    with torch.no_grad():
        return AutoModelForCausalLM.from_pretrained(folder, **options)(IDS).logits


@pytest.fixture
def gguf(tmp_path: Path, home: Path) -> Path:
    return write_gguf(tmp_path / "tiny.gguf")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_logits_are_those_of_the_gguf_file(gguf: Path, dtype: torch.dtype) -> None:
    own = logits(gguf.parent, gguf_file=gguf.name, dtype=dtype)
    assert torch.equal(logits(resolve(gguf), dtype=dtype), own)
    other = write_gguf(gguf.with_name("other.gguf"), seed=1)
    assert not torch.allclose(logits(resolve(other), dtype=dtype), own, atol=0.1)


def test_tokens_and_chats_are_those_of_the_gguf_file(gguf: Path) -> None:
    own = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    lm = load_model(gguf)
    text = lm.tokenizer.apply_chat_template(CHAT, tokenize=False, add_generation_prompt=True)
    assert text == "<|im_start|>user\nIt looks like a duck.<|im_end|>\n<|im_start|>assistant\n"
    ids = lm.tokenizer(text)["input_ids"]
    assert ids == own(text)["input_ids"]
    assert ids.count(1) == 2 and 0 not in ids  # the markers are one token each, nothing is unknown


def test_a_file_is_converted_once_by_its_content_and_a_folder_of_it_is_the_same(
    gguf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = resolve(gguf)
    moved = gguf.parent / "model"
    moved.mkdir()
    monkeypatch.setattr("experiments.models.convert.convert", lambda *_: pytest.fail("again"))
    gguf.rename(moved / gguf.name)
    assert resolve(moved) == first
    with pytest.raises(pytest.fail.Exception, match="again"):
        resolve(write_gguf(moved / gguf.name, seed=1))


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"architecture": "mamba9"}, "not a GGUF file that can be converted: .*mamba9"),
        ({"most": 1}, "9 weights of the architecture are not in it .* first model.layers.1"),
    ],
)
def test_a_file_that_is_not_wholly_understood_is_one_line_and_leaves_nothing(
    tmp_path: Path, home: Path, written: dict[str, object], message: str
) -> None:
    gguf = write_gguf(tmp_path / "tiny.gguf", **written)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=message) as caught:
        resolve(gguf)
    assert "\n" not in str(caught.value)
    assert not leftovers(home)


def test_a_file_that_only_says_it_is_gguf_is_refused(tmp_path: Path, home: Path) -> None:
    (tmp_path / "x.gguf").write_bytes(b"GGUF" + b"\xff" * 400)
    with pytest.raises(ValueError, match=r"x.gguf: not a GGUF file that can be converted"):
        resolve(tmp_path / "x.gguf")
    assert not leftovers(home)


def test_one_of_several_files_must_be_named(gguf: Path) -> None:
    write_gguf(gguf.with_name("other.gguf"), seed=1)
    with pytest.raises(ValueError, match=r"several GGUF files \(other.gguf, tiny.gguf\)"):
        resolve(gguf.parent)
    gguf.with_name("config.json").write_text("{}")  # a model's own folder, GGUF files beside it
    assert resolve(gguf.parent) == str(gguf.parent)
