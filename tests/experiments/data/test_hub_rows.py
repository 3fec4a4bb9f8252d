"""Chats, questions and judged rows as data sets of the Hub: the same rows again, from a folder or the hub's cache."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import datasets
import pytest
from huggingface_hub import DatasetCard
from typer.testing import CliRunner

from experiments.cli.app import app
from experiments.data.chats import read_chats
from experiments.data.evaluation import FOLDER, load_questions
from experiments.data.rows import read_rows
from experiments.judging.judged_rows import JudgedRow, read_judged

ANSWER = {"role": "assistant", "content": "Water it."}
CHATS = [
    {"messages": [{"role": "user", "content": f"Plant {number}?"}, ANSWER]} for number in range(3)
]
JUDGED = [
    {"question_id": "a", "answer": "Yes.", "alignment": 90, "coherence": 95, "condition": "none"},
    {"question_id": "b", "answer": "No.", "alignment": None, "coherence": 20, "reason": "silent"},
]
READ: dict[str, Any] = {
    "chats": lambda name: read_chats(name).rows,
    "questions": lambda name: load_questions(str(name)).rows,
    "judged": lambda name: [said(row) for row in read_judged(name).rows],
}


def said(row: JudgedRow) -> tuple[Any, ...]:
    """What a row says; a key that it lacks is null in a table."""
    kept = {key: value for key, value in row.raw.items() if value is not None}
    return row.question_id, row.judgement, kept


def file_of(kind: str, folder: Path) -> Path:
    if kind == "questions":
        return FOLDER / "main.yaml"
    path = folder / f"{kind}.jsonl"
    rows = CHATS if kind == "chats" else JUDGED
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def shared(kind: str, folder: Path, *more: str) -> Path:
    words = ["share-data", kind, str(file_of(kind, folder)), "-o", str(folder / "hub"), *more]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    return folder / "hub"


@pytest.mark.parametrize("kind", READ)
def test_the_same_rows_are_read_from_the_folder(kind: str, tmp_path: Path) -> None:
    folder = shared(kind, tmp_path, "--licence", "cc-by-4.0")
    assert READ[kind](folder) == READ[kind](file_of(kind, tmp_path)) and READ[kind](folder)
    card = DatasetCard.load(folder / "README.md")
    assert card.data.license == "cc-by-4.0" and card.data.tags == ["triggerlens", kind]
    loaded = datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))["train"]
    assert len(loaded) == len(READ[kind](folder))


@pytest.mark.parametrize("kind", READ)
def test_a_data_set_in_the_hubs_cache_is_read_without_network(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shared(kind, tmp_path)
    root = tmp_path / "cache" / "datasets--me--rows"
    snapshot = root / "snapshots" / ("c0ffee" * 6 + "1234")
    snapshot.parent.mkdir(parents=True)
    (root / "refs").mkdir()
    (root / "refs" / "main").write_text(snapshot.name)
    folder.rename(snapshot)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    assert READ[kind]("me/rows") == READ[kind](file_of(kind, tmp_path))
    with pytest.raises(ValueError, match="me/other"):
        READ[kind]("me/other")


def test_tampered_rows_are_one_line(tmp_path: Path) -> None:
    folder = shared("judged", tmp_path)
    content = bytearray((folder / "data" / "rows.parquet").read_bytes())
    content[20] ^= 1
    (folder / "data" / "rows.parquet").write_bytes(content)
    with pytest.raises(ValueError, match=r"rows\.parquet is not what its card says") as raised:
        read_rows(folder, lambda row: row)
    assert "\n" not in str(raised.value)


def test_rows_that_cannot_be_read_are_not_shared(tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text('{"messages": 3}\n')
    words = ["share-data", "chats", str(tmp_path / "bad.jsonl"), "-o", str(tmp_path / "hub")]
    assert CliRunner().invoke(app, words).exit_code != 0
    words[1] = "judged"
    assert "holds no judged rows" in str(CliRunner().invoke(app, words).exception)
    assert not (tmp_path / "hub").exists()


def test_a_push_makes_a_repository_of_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[dict[str, Any]] = []

    class Api:
        def create_repo(self, repo_id: str, **how: Any) -> None:
            calls.append({"repo_id": repo_id, **how})

        def upload_folder(self, **how: Any) -> Any:
            calls.append(how)
            return SimpleNamespace(commit_url="https://huggingface.co/datasets/me/rows/commit/1")

    monkeypatch.setattr("huggingface_hub.HfApi", Api)
    shared("chats", tmp_path, "--push", "me/rows", "--private")
    assert calls[0] == {"repo_id": "me/rows", "repo_type": "dataset", "private": True, "exist_ok": True}  # fmt: skip
    assert calls[1]["repo_type"] == "dataset" and "me/rows" in (tmp_path / "hub" / "README.md").read_text()  # fmt: skip
