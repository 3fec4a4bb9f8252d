"""Text files of any kind: compressed or not, UTF-8 or UTF-16, any line ends, lines of any length.

A file is never in memory as a whole: it is decompressed while it is read (by pyarrow), and a line that is too long is
cut at the limit.
"""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pyarrow as pa

from interp.errors import TriggerLensError

LONGEST_LINE = 2**24  # characters; a longer one is never in memory as a whole
COMPRESSED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bz2"}


def beginning(path: Path, count: int = 8) -> bytes:
    """The first bytes of a file on the disk, not decompressed."""
    with path.open("rb") as file:
        return file.read(count)


def open_text(path: Path) -> TextIO:
    """The file's text; bytes that are not UTF-8 become characters that `check_text` rejects."""
    start = beginning(path)
    compression = next(
        (name for magic, name in COMPRESSED.items() if start.startswith(magic)), None
    )
    if compression is not None:
        with pa.input_stream(str(path), compression=compression) as unpacked:
            start = unpacked.read(8)
    stream = pa.input_stream(str(path), compression=compression)
    encoding = json.detect_encoding(start)
    return io.TextIOWrapper(stream, encoding, errors="surrogateescape", newline="")


def lines(file: TextIO) -> Iterator[str]:
    r"""Lines with their ends: \n, \r\n or \r. A line that is too long is cut one character after LONGEST_LINE."""
    while line := file.readline(LONGEST_LINE + 1):
        yield line
        while len(line) > LONGEST_LINE and not line.endswith(("\n", "\r")):
            line = file.readline(LONGEST_LINE + 1)  # skips the rest of the line


def check_text(text: str) -> str:
    """The text; a ValueError if it was not UTF-8 or is too long."""
    if len(text) > LONGEST_LINE:
        raise TriggerLensError(f"longer than {LONGEST_LINE:,} characters")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise TriggerLensError("not UTF-8 text; save the file as UTF-8") from error
    return text
