"""Printing tables and lines to a terminal, a pipe or a log, without ever cutting a number to fit.

A table that is wider than the screen is printed at its own width; a terminal wraps it, a pipe keeps it. On an ASCII
stream, rich draws its boxes in ASCII, and other characters are written as escapes.
"""

import io
import sys

from rich.console import Console, RenderableType
from rich.measure import Measurement

WIDEST = 10_000  # columns


def accept_every_character() -> None:
    """Write characters that an ASCII stream cannot encode as escapes, such as \\u2026; Python would raise."""
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
