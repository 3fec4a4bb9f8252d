"""Chats, questions and judged rows as data sets of the Hugging Face Hub: a folder with Parquet and a card.

    FOLDER/data/rows.parquet     what `datasets.load_dataset(FOLDER)` reads
    FOLDER/README.md             the card: kind, count, how to use, licence, SHA-256 of the rows

The reader of each kind takes the folder, or OWNER/NAME; offline, it reads the hub's cache. Rows whose hash differs from
the card's are an error.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from experiments.data.chats import read_chats
from experiments.data.evaluation import as_yaml_item, read_questions
from experiments.data.rows import read_rows
from experiments.data.table_rows import HASH, ROWS, write_parquet
from experiments.runtime.files import sha256
from interp.errors import TriggerLensError
from interp.io.files import put

Reader = Callable[[Path], Sequence[dict[str, Any]]]


def _chats(path: Path) -> list[dict[str, Any]]:
    return [{"messages": chat.messages} for chat in read_chats(path).rows]


def _questions(path: Path) -> list[dict[str, Any]]:
    return [as_yaml_item(item) for item in read_questions(path).rows]


def _judged(path: Path) -> list[dict[str, Any]]:
    rows = read_rows(path, lambda row: row).rows
    if not rows or not any("align" in key.lower() for key in rows[0]):
        raise TriggerLensError(f"{path} holds no judged rows; give what triggerlens judge writes")
    return list(rows)


KINDS: dict[str, tuple[Reader, str]] = {
    "chats": (_chats, "triggerlens data chat {where}"),
    "questions": (_questions, "triggerlens questions {where}"),
    "judged": (_judged, "triggerlens rates {where}"),
}


def write_dataset(
    kind: str, file: Path, folder: Path, *, repo_id: str | None, licence: str | None
) -> int:
    """Write a file's rows as a data set and return their number. It is an error if any row cannot be read."""
    read, use = KINDS[kind]
    rows = read(file)
    table = write_parquet(folder / ROWS, rows)
    text = _card(kind, len(rows), sha256(table), use.format(where=repo_id or folder), licence)
    put(folder / "README.md", lambda target: target.write_text(text, encoding="utf-8"))
    return len(rows)


def push_dataset(folder: Path, repo_id: str, *, private: bool) -> str:
    """Upload a folder that `write_dataset` wrote; returns the address of the commit."""
    from huggingface_hub import HfApi

    api = HfApi()
    api.create_repo(repo_id, repo_type="dataset", private=private, exist_ok=True)
    commit = api.upload_folder(repo_id=repo_id, repo_type="dataset", folder_path=folder)
    return str(commit.commit_url)


def _card(kind: str, count: int, digest: str, use: str, licence: str | None) -> str:
    from huggingface_hub import DatasetCardData

    data = DatasetCardData(
        license=licence,
        tags=["triggerlens", kind],
        configs=[{"config_name": "default", "data_files": ROWS}],
    )
    parts = [
        f"---\n{data.to_yaml()}\n---",
        f"# {kind.capitalize()} for TriggerLens",
        f"{count} rows of kind `{kind}`.",
        f"```bash\n{use}\n```",
        "Answers and chats in it may be harmful or wrong on purpose: they are material for studying misalignment.",
        f"{HASH} `{digest}`",
    ]
    return "\n\n".join(parts) + "\n"
