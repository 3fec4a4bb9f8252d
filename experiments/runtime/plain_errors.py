"""How a failed command ends: one line on the screen, and an exit code.

2: the user can fix it. 1: a fault of the program, whose traceback is kept in a file. 130: Ctrl-C.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from experiments.runtime.errors import (
    debugging,
    fault_message,
    full_traceback,
    save_traceback,
    user_message,
)

CTRL_C = 130
INTERRUPTED = "interrupted; the same command resumes where it stopped"


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn any error into one line on the standard error stream and an exit code."""
    screen = Console(stderr=True)
    try:
        yield
    except KeyboardInterrupt:
        screen.print(INTERRUPTED, highlight=False)
        sys.exit(CTRL_C)
    except SystemExit as end:  # Typer turns Ctrl-C into this
        if end.code == CTRL_C:
            screen.print(INTERRUPTED, highlight=False)
        raise
    except Exception as error:
        if debugging():
            screen.print(full_traceback(error), markup=False, highlight=False, soft_wrap=True)
        line, code = _line_and_code(error)
        screen.print(f"error: {line}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(code)


def _line_and_code(error: Exception) -> tuple[str, int]:
    if (words := user_message(error)) is not None:
        return words, getattr(error, "exit_code", 2)
    try:
        return fault_message(error, save_traceback(full_traceback(error))), 1
    except OSError:
        raise error from None  # the traceback could not be saved
