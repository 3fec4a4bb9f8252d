"""Requests and their replies, one JSON line each, so that nothing is paid for twice.

A reply is on the disk before it is used. The key of a line is the hash of the server's address and
the whole request, so another model, wording, seed or rubric makes another line. One process at a time
writes to a file; two equal concurrent requests share one call.
"""

import asyncio
import hashlib
import json
import os
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from experiments.judging.server.replies import checked
from experiments.runtime.files import SEAL, DamagedFile, is_whole, sealed
from interp.errors import TriggerLensError
from interp.io.locks import held


class Transcripts:
    """Replies by request; in memory only if no file is named."""

    def __init__(self, path: Path | str | None = None):
        self._replies: dict[str, dict[str, Any]] = {}
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._file: IO[bytes] | None = None
        self._held = ExitStack()
        if path is not None:
            self._open(Path(path))
            self._load()

    def __len__(self) -> int:
        return len(self._replies)

    def __contains__(self, key: str) -> bool:
        return key in self._replies

    def close(self) -> None:
        """Close the file, so that another process can use it."""
        self._held.close()

    async def once(
        self, request: dict[str, Any], make: Callable[[], Awaitable[dict[str, Any]]]
    ) -> dict[str, Any]:
        """The reply to a request, made at most once; a failure is not kept."""
        key = request_key(request)
        if key in self._waiting:
            return await asyncio.shield(self._waiting[key])
        if key in self._replies:
            return self._replies[key]
        waiting = self._waiting[key] = asyncio.get_running_loop().create_future()
        try:
            reply = await make()
            self._keep(key, request, reply)
            waiting.set_result(reply)
            return reply
        except Exception as error:
            waiting.set_exception(error)
            waiting.exception()  # retrieved here, because no other request may be waiting for it
            raise
        finally:
            waiting.cancel()  # no effect if it has a result
            del self._waiting[key]

    def _keep(self, key: str, request: dict[str, Any], reply: dict[str, Any]) -> None:
        self._replies[key] = reply
        if self._file is not None:
            row = sealed({"key": key, "request": request, "reply": reply})
            self._file.write(_ascii(row) + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())

    def _open(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_name(f".{path.name}.lock")
        named = held(lock, f"transcripts {path} are", "name another file", ValueError)
        self._held.enter_context(named)
        self._file = self._held.enter_context(path.open("a+b"))

    def _load(self) -> None:
        """Read the file; an incomplete last line, left by a kill, is dropped."""
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
                    raise DamagedFile(f"{where} is not a transcript; remove that line") from error
        self._file.truncate(len(whole))


def _row(line: bytes) -> dict[str, Any]:
    """The content of a line that has not changed since it was written; lines of earlier versions have no hash."""
    row = json.loads(line)
    if row.keys() - {SEAL} != {"key", "request", "reply"} or (SEAL in row and not is_whole(row)):
        raise TriggerLensError("it has changed since it was written")
    return row


def request_key(request: dict[str, Any]) -> str:
    """SHA-256 of a request."""
    return hashlib.sha256(_ascii(request)).hexdigest()


def _ascii(value: dict[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, allow_nan=False).encode()
