"""How tables and lines reach a terminal, a pipe or a log: no number is ever cut to fit.

A table that is wider than the screen is printed at its own width; a terminal wraps it, a pipe does not care. On a
stream that knows ASCII alone, rich draws its boxes in ASCII, and other characters are written as their escapes.
"""

import io
import sys

from rich.console import Console, RenderableType
from rich.measure import Measurement

WIDEST = 10_000  # columns


def accept_every_character() -> None:
    """Write what an ASCII stream cannot show as its escape, such as \\u2026, where Python would raise."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_whole(console: Console, table: RenderableType) -> None:
    """Print a table without cutting a cell."""
    options = console.options.update(width=WIDEST)
    needed = Measurement.get(console, options, table).maximum
    before, console.width = console.width, max(console.width, needed)
    try:
        console.print(table)
    finally:
        console.width = before
