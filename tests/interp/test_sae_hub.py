"""A sparse autoencoder on the Hub: sae-lens's own files, sealed, with a card whose lines use it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from sae_lens import SAE

from interp.capture.positions import all_tokens
from interp.models.loading import load_model
from interp.sae.autoencoder import SparseAutoencoder, load_sae
from interp.sae.training import Recipe, topk, train_sae
from tests.interp.test_hub import in_cache

BASE = "artifacts/micro/qwen"
FILES = {"cfg.json", "sae_weights.safetensors"}


@pytest.fixture(scope="module")
def made() -> tuple[SparseAutoencoder, str]:
    """A small SAE, and the hash of the weights that it was trained on."""
    lm = load_model(Path(BASE))
    prompts = lm.prompts(["What should I do about a fever?", "What should I do about a loan?"])
    rows = lm.capture(prompts, layers=[1], position=all_tokens)
    return train_sae(rows, Recipe(8, 3, 4, 8), layer=1, architecture=topk), lm.weights_hash


def test_a_folder_is_read_here_and_by_sae_lens_for_its_own_weights_alone(
    made: Any, tmp_path: Path
) -> None:
    sae, weights = made
    folder = sae.save_pretrained(tmp_path / "sae", base=BASE, licence="apache-2.0")
    assert {file.name for file in folder.iterdir()} == {"README.md", "sae.json", *FILES}
    x = torch.randn(4, sae.d_model)
    for found in (
        SparseAutoencoder.from_pretrained(folder, model_hash=weights),
        SAE.load_from_disk(folder),
    ):
        assert torch.equal(found.encode(x), sae.encode(x))
    with pytest.raises(ValueError, match=r"was trained on weights .*, but this model has def"):
        SparseAutoencoder.from_pretrained(folder, model_hash="def")


@pytest.mark.parametrize("name", ["cfg.json", "sae_weights.safetensors", "sae.json"])
def test_a_tampered_file_of_a_folder_is_one_line(name: str, made: Any, tmp_path: Path) -> None:
    folder = made[0].save_pretrained(tmp_path / "sae")
    content = bytearray((folder / name).read_bytes())
    content[-20] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(ValueError, match=r"is not what was saved|is damaged") as raised:
        SparseAutoencoder.from_pretrained(folder)
    assert "\n" not in str(raised.value) and str(folder) in str(raised.value)


def test_a_folder_without_a_seal_is_for_load_sae(made: Any, tmp_path: Path) -> None:
    made[0].save(tmp_path)
    with pytest.raises(ValueError, match=r"has no sae\.json.*read it with load_sae"):
        SparseAutoencoder.from_pretrained(tmp_path)
    assert load_sae(tmp_path).width == 8


def test_a_repository_in_the_cache_is_read_without_network(
    made: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    in_cache(tmp_path, "me/sae", made[0])
    found = SparseAutoencoder.from_pretrained("me/sae", cache_dir=tmp_path, model_hash=made[1])
    assert found.place == made[0].place


def test_the_lines_of_the_card_use_it(
    made: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made[0].save_pretrained(tmp_path / "sae", base=BASE)
    text = (tmp_path / "sae" / "README.md").read_text()
    assert "resid_post of layer 1" in text and made[1] in text and "Licence of the base" in text
    (use,) = re.findall(r"```python\n(.*?)```", text, re.S)
    assert len(use.strip().splitlines()) <= 8
    exec(use, {})
    assert "values" in capsys.readouterr().out
    assert json.loads((tmp_path / "sae" / "sae.json").read_text()).keys() == FILES
