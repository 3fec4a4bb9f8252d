"""System errors that a user can fix: a full disk, a folder that cannot be written."""

import errno
import re

FIXES = {
    errno.ENOSPC: "the disk is full; free some space, and the same command goes on where it stopped",
    errno.EDQUOT: "the disk quota is used up; free some space, and the same command goes on",
    errno.EROFS: "the folder is read-only; make it writable, or give another with --out",
    errno.EACCES: "this folder may not be written; make it writable, or give another with --out",
    errno.EPERM: "this folder may not be written; make it writable, or give another with --out",
}
NUMBER = re.compile(r"\(os error (\d+)\)")  # in messages of safetensors


def fix_of(error: BaseException) -> str | None:
    """One line, or None if the error is of another kind; its causes are checked too."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        if (words := FIXES.get(_number(current) or 0)) is not None:
            file = getattr(current, "filename", None)
            return f"{file}: {words}" if file else words
        current = current.__cause__ or current.__context__
    return None


def _number(error: BaseException) -> int | None:
    if isinstance(error, OSError):
        return error.errno
    match = NUMBER.search(str(error)) if isinstance(error, Exception) else None
    return int(match[1]) if match else None
