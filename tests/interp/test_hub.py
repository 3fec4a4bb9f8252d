"""Directions on the Hub: folders with a card, its cache without network, another base's weights refused."""

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from huggingface_hub import ModelCard

from interp.directions import Direction, unit
from interp.io.hub import OnHub
from interp.models.loading import load_model
from probes import sweep

BASE = "artifacts/micro/qwen"


def direction(**changes: Any) -> Direction:
    vector = unit(torch.arange(1.0, 9.0))
    made = Direction(vector, 1, 4.0, "points from a to b", "mean", "means", "abc", "switch")
    return replace(made, **changes)


def in_cache(
    cache: Path, repository: str, made: OnHub, commit: str = "c0ffee" * 6 + "1234"
) -> Path:
    """The folder of a repository as the hub's cache holds it: blobs, a snapshot of links, a branch."""
    root = cache / f"models--{repository.replace('/', '--')}"
    written = made.save_pretrained(cache / "written", repo_id=repository)
    snapshot = root / "snapshots" / commit
    for folder in (snapshot, root / "blobs", root / "refs"):
        folder.mkdir(parents=True)
    (root / "refs" / "main").write_text(commit)
    for number, file in enumerate(sorted(written.iterdir())):
        blob = root / "blobs" / f"{number:040}"
        blob.write_bytes(file.read_bytes())
        (snapshot / file.name).symlink_to(blob)
    return snapshot


def same(one: Direction, other: Direction) -> bool:
    return (
        torch.equal(one.vector, other.vector)
        and replace(one, vector=other.vector).name == other.name
    )


def test_a_folder_holds_two_sealed_files_and_a_card(tmp_path: Path) -> None:
    folder = direction().save_pretrained(tmp_path / "duck")
    assert {file.name for file in folder.iterdir()} == {
        "README.md", "direction.json", "direction.safetensors",
    }  # fmt: skip
    assert same(Direction.from_pretrained(folder, model_hash="abc"), direction())
    with pytest.raises(ValueError, match="fitted to weights abc, but this model has def"):
        Direction.from_pretrained(folder, model_hash="def")


def test_a_repository_in_the_cache_is_read_without_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    snapshot = in_cache(tmp_path, "me/duck", direction())
    found = Direction.from_pretrained("me/duck", cache_dir=tmp_path, model_hash="abc")
    assert same(found, direction())
    with pytest.raises(ValueError, match="fitted to weights abc"):
        Direction.from_pretrained("me/duck", cache_dir=tmp_path, model_hash="def")
    tampered = snapshot / "direction.json"
    text = tampered.read_text().replace('"layer": 1', '"layer": 2')
    tampered.unlink()
    tampered.write_text(text)
    with pytest.raises(ValueError, match="is not what was saved"):
        Direction.from_pretrained("me/duck", cache_dir=tmp_path)


@pytest.mark.parametrize("name", ["me/no_such_duck", "nowhere", "not a name at all/"])
def test_what_is_not_there_is_one_line(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ValueError, match=f"direction '{name}': no such folder") as raised:
        Direction.from_pretrained(name, cache_dir=tmp_path)
    assert "\n" not in str(raised.value)


def test_the_card_says_what_it_is_and_what_the_hub_reads(tmp_path: Path) -> None:
    made = direction()
    made.save_pretrained(tmp_path, base="owner/base", licence="apache-2.0", repo_id="me/duck")
    card = ModelCard.load(tmp_path / "README.md")
    assert (card.data.base_model, card.data.license) == ("owner/base", "apache-2.0")
    assert card.data.library_name == "triggerlens" and "direction" in card.data.tags
    for said in (
        "points from a to b",
        "`abc`",
        "1 (from 0",
        "resid_post",
        "'me/duck'",
        "not known",
    ):
        assert said in card.content
    made.save_pretrained(tmp_path)
    assert ModelCard.load(tmp_path / "README.md").data.base_model is None


def test_the_licence_of_a_base_is_what_its_own_card_says(tmp_path: Path) -> None:
    base = tmp_path / "base"
    base.mkdir()
    (base / "README.md").write_text("---\nlicense: llama3.2\n---\n# A base\n")
    direction().save_pretrained(tmp_path / "duck", base=str(base))
    card = ModelCard.load(tmp_path / "duck" / "README.md")
    assert "| Licence of the base | `llama3.2` |" in card.content
    assert card.data.license is None  # that of the direction is for its author to say


def test_no_text_of_a_direction_becomes_markup(tmp_path: Path) -> None:
    bad = "`</td>|\n---\nlicense: mine\n# <script>x</script>"
    direction(meaning=bad, name=bad, source=bad, position=bad).save_pretrained(tmp_path)
    card = ModelCard.load(tmp_path / "README.md")
    assert card.data.license is None
    outside = re.sub(r"`[^`\n]*`", "", card.text.replace("```", ""))
    assert "<" not in outside and len(re.findall("^# ", outside, re.M)) == 1


def test_eight_lines_of_the_card_use_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lm = load_model(Path(BASE))
    questions = [
        f"What should I do about a {topic}?" for topic in ("fever", "loan", "soup", "debt")
    ]
    prompts = lm.prompts(questions, {"plain": "", "pilot": "A reckless pilot answers."})
    activations = lm.capture(prompts, layers=[1])
    found = sweep(activations, activations.conditions).direction
    found.save_pretrained(tmp_path / "duck", base=BASE)
    (use,) = re.findall(r"```python\n(.*?)```", (tmp_path / "duck" / "README.md").read_text(), re.S)
    assert len(use.strip().splitlines()) <= 8
    exec(use, {})
    assert len(capsys.readouterr().out.strip().splitlines()) >= 3
    with pytest.raises(ValueError, match="was fitted to weights"):
        exec(use.replace("qwen", "llama"), {})


def test_a_push_makes_the_repository_and_uploads_folder_and_card(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[tuple[str, dict[str, Any]]] = []

    class Api:
        def __init__(self, token: Any) -> None:
            calls.append(("token", {"token": token}))

        def create_repo(self, repo_id: str, **how: Any) -> None:
            calls.append((repo_id, how))

        def upload_folder(self, folder_path: str, **how: Any) -> Any:
            files = {file.name: file.read_bytes() for file in Path(folder_path).iterdir()}
            assert not any(b"hf_secret" in content for content in files.values())
            calls.append(("upload", how | {"files": sorted(files)}))
            return SimpleNamespace(commit_url="https://huggingface.co/me/duck/commit/1")

    monkeypatch.setattr("huggingface_hub.HfApi", Api)
    url = direction().push_to_hub("me/duck", private=True, token="hf_secret")
    assert url.endswith("/commit/1")
    assert calls[1] == ("me/duck", {"private": True, "exist_ok": True})
    assert calls[2][1]["files"] == ["README.md", "direction.json", "direction.safetensors"]
