"""Sealed folders at an address that fsspec knows: a shared folder (`file://`), an object store (`s3://`), and others.

A sealed folder has a manifest that hashes its other files and itself. It is sent with its manifest last, so one whose
sending was cut short is not there for anyone; it is replaced with its manifest taken away first.

What it does not know: who may write there. A hash says that nothing was damaged, not who made it.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from fsspec.core import url_to_fs

from experiments.runtime.extras import require
from experiments.runtime.files import SEAL, is_whole, read_json
from experiments.runtime.step_folders import MANIFEST

LARGEST_MANIFEST = 16 * 2**20  # bytes
STORES = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs"}  # scheme -> extra
WITHOUT_FOLDERS = ("s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl")
OF_ONE_MAKING = ("started", "ended", SEAL)  # what differs between two makings of the same step


@dataclass(frozen=True)
class Remote:
    """The folder at `url`; ValueError for an address that cannot be used. It travels to other processes."""

    url: str

    def __post_init__(self) -> None:
        if "::" in self.url or "@" in urlsplit(self.url).netloc:
            kind = "a chain" if "::" in self.url else "a user or password inside"
            raise ValueError(
                f"{self._shown}: an address with {kind}; give one plain address, and secrets in the store's own"
                " environment variables"
            )
        if (extra := STORES.get(urlsplit(self.url).scheme)) is not None:
            require(extra, self._shown)
        try:
            self._fs()
        except ImportError as error:
            raise ValueError(f"{self._shown}: {one_line(error)}") from error
        except Exception as error:
            raise ValueError(
                f"{self._shown}: no address that can be used ({one_line(error)}); give file:///FOLDER,"
                " s3://BUCKET/FOLDER or another of fsspec's"
            ) from error

    def check(self) -> None:
        """Write, read and remove a small file, so that what would fail later fails before anything is spent."""
        probe, text = f".triggerlens-{uuid.uuid4().hex[:8]}", b"may be removed"
        try:
            self._write(probe, text)
            found = self._read(probe)
            self._remove(probe)
        except Exception as error:
            raise ValueError(
                f"{self._shown} cannot be written and read ({one_line(error)}); mend its rights, or give another"
            ) from error
        if found != text:
            raise ValueError(f"{self._shown} does not give back what was written; give another")

    def local(self) -> Path | None:
        """The folder, where it is one of this machine."""
        fs, home = self._fs()
        return Path(home) if "file" in _protocols(fs) else None

    def manifest(self, folder: str) -> dict[str, Any] | None:
        """The manifest of a sealed folder; None where there is none that is whole."""
        raw = self._manifest_bytes(folder)
        return None if raw is None else _parsed(raw)

    def send(self, source: Path, folder: str) -> None:
        """Copy a sealed folder of this machine there, unless it is there already; "" is the whole place."""
        manifest = read_json(source / MANIFEST)
        if self._holds(folder, manifest):
            return
        self.unseal(folder)
        for name in sorted(manifest["files"]):
            self._put(source / name, _in(folder, name))
        self._put(source / MANIFEST, _in(folder, MANIFEST))

    def fetch(self, folder: str, target: Path) -> bool:
        """Copy a sealed folder from there into an empty one; False where there is none.

        Nothing is checked but that names stay inside: the caller compares hashes.
        """
        raw = self._manifest_bytes(folder)
        manifest = None if raw is None else _parsed(raw)
        if raw is None or manifest is None:
            return False
        fs, home = self._fs()
        for name in manifest["files"]:
            path = target / _inside(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            fs.get_file(f"{home}/{_in(folder, name)}", str(path))
        (target / MANIFEST).write_bytes(raw)
        return True

    def unseal(self, folder: str) -> None:
        """Take a folder's manifest away: until another is there, nobody sees the folder."""
        if self._manifest_bytes(folder) is not None:
            self._remove(_in(folder, MANIFEST))

    def _holds(self, folder: str, manifest: Mapping[str, Any]) -> bool:
        there = self.manifest(folder)
        return there is not None and _what(there) == _what(manifest)

    def _manifest_bytes(self, folder: str) -> bytes | None:
        try:
            return self._read(_in(folder, MANIFEST))
        except FileNotFoundError:
            return None

    def _read(self, name: str) -> bytes:
        fs, home = self._fs()
        return fs.cat_file(f"{home}/{name}", start=0, end=LARGEST_MANIFEST)

    def _write(self, name: str, content: bytes) -> None:
        fs, path = self._at(name)
        fs.pipe_file(path, content)

    def _put(self, source: Path, name: str) -> None:
        fs, path = self._at(name)
        fs.put_file(str(source), path)

    def _remove(self, name: str) -> None:
        fs, home = self._fs()
        fs.rm_file(f"{home}/{name}")

    def _at(self, name: str) -> tuple[Any, str]:
        """The file system and a path in it, with its folder made."""
        fs, home = self._fs()
        path = f"{home}/{name}"
        if not set(_protocols(fs)) & set(WITHOUT_FOLDERS):  # there it would make a bucket
            fs.makedirs(path.rpartition("/")[0], exist_ok=True)
        return fs, path

    def _fs(self) -> tuple[Any, str]:
        fs, home = url_to_fs(self.url)
        return fs, home.rstrip("/")

    @property
    def _shown(self) -> str:
        """The address without what may be a secret."""
        start, _, rest = self.url.rpartition("@")
        return f"mirror {self.url!r}" if not start else f"mirror '...@{rest}'"


def _protocols(fs: Any) -> tuple[str, ...]:
    return (fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol)


def _parsed(raw: bytes) -> dict[str, Any] | None:
    """A manifest that is whole and lists its files."""
    try:
        found = json.loads(raw)
        whole = isinstance(found, dict) and is_whole(found)
    except (ValueError, RecursionError):
        return None
    return found if whole and isinstance(found.get("files"), dict) else None


def _inside(name: str) -> PurePosixPath:
    """A file's name, if it stays below the folder that it is copied to."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name:
        raise ValueError(f"file name {name!r} leads out of its folder")
    return path


def _what(manifest: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in manifest.items() if key not in OF_ONE_MAKING}


def _in(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def one_line(error: BaseException) -> str:
    """An error of whatever kind."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
