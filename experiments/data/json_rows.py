"""The rows of JSON files: one object per line, an array of objects, or objects over several lines each.

The first two lines of a file show which form it has. Rows of JSON lines are numbered by line and are independent: a
broken one does not affect the others. In the other two forms, everything after a broken row is not read.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from experiments.data.text_files import LONGEST_LINE, check_text, lines, open_text
from interp.errors import TriggerLensError

Row = dict[str, Any] | ValueError  # the error says what is wrong with the row
CHUNK = 2**20  # characters
BETWEEN = re.compile(r"[\s,]*")


def is_document(path: Path) -> bool:
    """Whether the file is not JSON lines, but an array or objects over several lines."""
    with open_text(path) as file:
        filled = (line.strip() for line in lines(file) if line.strip())
        first, second = next(filled, ""), next(filled, "")
    if len(first) > LONGEST_LINE or not first.startswith(("[", "{")):
        return False
    if _is_whole(first):
        return first.startswith("[") and not second
    return first.startswith("[") or not (second.startswith("{") and _is_whole(second))


def _is_whole(line: str) -> bool:
    """Whether a line is JSON by itself, or broken before its end."""
    try:
        json.loads(line)
    except json.JSONDecodeError as error:
        return error.pos < len(line)
    except (ValueError, RecursionError):
        return True
    return True


def line_rows(path: Path) -> Iterator[tuple[int, Row]]:
    """The row of each line that is not blank."""
    with open_text(path) as file:
        for number, line in enumerate(lines(file), start=1):
            if line.strip():
                try:
                    yield number, json_object(line)
                except ValueError as error:
                    yield number, error


def json_object(line: str) -> dict[str, Any]:
    """The object of one line; a ValueError says what is wrong with it. A trailing comma is ignored."""
    text = check_text(line).strip().removesuffix(",")
    try:
        return _object(json.loads(text))
    except json.JSONDecodeError as error:
        raise TriggerLensError(f"not JSON ({error.msg} at column {error.colno})") from error
    except RecursionError as error:
        raise TriggerLensError("not JSON that can be read (nested too deeply)") from error


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TriggerLensError(f"a JSON {type(value).__name__} where an object was expected")
    return value


def document_rows(path: Path) -> Iterator[tuple[int, Row]]:
    """Each object of an array or of a file of objects, numbered from 1."""
    number = 0
    with open_text(path) as file:
        try:
            for number, (value, text) in enumerate(_values(file), start=1):
                yield number, _checked(value, text)
        except (ValueError, RecursionError) as error:
            deep = isinstance(error, RecursionError)
            reason = "nested too deeply" if deep else getattr(error, "msg", str(error))
            yield number + 1, ValueError(f"not JSON ({reason}); what follows is not read either")


def _checked(value: Any, text: str) -> Row:
    try:
        check_text(text)
        return _object(value)
    except ValueError as error:
        return error


def _values(file: TextIO) -> Iterator[tuple[Any, str]]:
    """The values of a text (or the items of its array), one after the other, with the source text of each."""
    decoder, text, at, in_array = json.JSONDecoder(), "", 0, None
    while True:
        at = _next(text, at)
        if in_array is None and at < len(text):
            in_array = text[at] == "["
            at += in_array
        elif in_array and text.startswith("]", at):
            at, in_array = at + 1, False
        else:
            try:
                value, end = decoder.raw_decode(text, at)
            except json.JSONDecodeError:
                left = len(text) - at
                more = file.read(max(CHUNK, left)) if left <= LONGEST_LINE else ""
                if not more and not in_array and left == 0:
                    return
                if not more:
                    raise
                text, at = text[at:] + more, 0
            else:
                yield value, text[at:end]
                at = end


def _next(text: str, at: int) -> int:
    """The start of the next value, after blanks and commas."""
    between = BETWEEN.match(text, at)
    return between.end() if between else at
