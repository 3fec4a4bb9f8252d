"""What was asked and what came back, one JSON line each, so that nothing is paid twice.

A reply is on the disk before it is used. The key of a line is the hash of the server's address and
the whole request, so another model, wording, seed or rubric is another line. One process at a time
writes to a file; two threads with the same request share one call.
"""

import fcntl
import hashlib
import json
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from experiments.judging.server.replies import checked
from experiments.runtime.files import SEAL, DamagedFile, is_whole, sealed


class Transcripts:
    """Replies by request; in memory only where no file is named."""

    def __init__(self, path: Path | str | None = None):
        self._lock = threading.Lock()
        self._replies: dict[str, dict[str, Any]] = {}
        self._waiting: dict[str, Future[dict[str, Any]]] = {}
        self._file = _open(Path(path)) if path is not None else None
        if self._file is not None:
            self._load()

    def __len__(self) -> int:
        return len(self._replies)

    def __contains__(self, key: str) -> bool:
        return key in self._replies

    def close(self) -> None:
        """Let another process have the file."""
        if self._file is not None:
            self._file.close()

    def once(self, request: dict[str, Any], make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The reply to a request, made at most once; a failure is not kept."""
        key = request_key(request)
        with self._lock:
            if key in self._replies:
                return self._replies[key]
            waiting = self._waiting.get(key)
            mine = waiting is None
            if waiting is None:
                waiting = self._waiting[key] = Future()
        if mine:
            self._make(key, request, make, waiting)
        return waiting.result()

    def _make(
        self,
        key: str,
        request: dict[str, Any],
        make: Callable[[], dict[str, Any]],
        waiting: "Future[dict[str, Any]]",
    ) -> None:
        try:
            reply = make()
            self._keep(key, request, reply)
            waiting.set_result(reply)
        except BaseException as error:
            waiting.set_exception(error)
        finally:
            with self._lock:
                del self._waiting[key]

    def _keep(self, key: str, request: dict[str, Any], reply: dict[str, Any]) -> None:
        with self._lock:
            self._replies[key] = reply
            if self._file is not None:
                row = sealed({"key": key, "request": request, "reply": reply})
                self._file.write(_ascii(row) + b"\n")
                self._file.flush()
                os.fsync(self._file.fileno())

    def _load(self) -> None:
        """Read what is there; a last line without its end was cut off by a kill and is dropped."""
        assert self._file is not None
        self._file.seek(0)
        content = self._file.read()
        whole = content[: content.rfind(b"\n") + 1]
        for number, line in enumerate(whole.split(b"\n"), start=1):
            if line.strip():
                try:
                    row = _row(line)
                    self._replies[row["key"]] = checked(row["reply"])
                except (
                    ValueError,
                    LookupError,
                    TypeError,
                    AttributeError,
                    RecursionError,
                ) as error:
                    where = f"{self._file.name} line {number}"
                    raise DamagedFile(f"{where} is no transcript; remove that line") from error
        self._file.truncate(len(whole))


def _row(line: bytes) -> dict[str, Any]:
    """A line that is as it was written; those of earlier versions have no hash."""
    row = json.loads(line)
    if row.keys() - {SEAL} != {"key", "request", "reply"} or (SEAL in row and not is_whole(row)):
        raise ValueError("it has changed since it was written")
    return row


def request_key(request: dict[str, Any]) -> str:
    """SHA-256 of a request."""
    return hashlib.sha256(_ascii(request)).hexdigest()


def _ascii(value: dict[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, allow_nan=False).encode()


def _open(path: Path) -> Any:
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a+b")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise ValueError(
            f"transcripts {path} are in use by another process: wait for it, or name another file"
        ) from None
    return file
