"""What a user can mend is one line and exit code 2, not a traceback; Ctrl-C is exit code 130."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from experiments.runtime.system_errors import mend_of


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn errors that name their mend into one line on the standard error stream."""
    screen = Console(stderr=True)
    try:
        yield
    except KeyboardInterrupt:
        screen.print("interrupted; the same command resumes where it stopped", highlight=False)
        sys.exit(130)
    except Exception as error:
        if (words := mend_of(error) or _words(error)) is None:
            raise
        line = f"error: {words}"
        screen.print(line, style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(2)


def _words(error: Exception) -> str | None:
    """The message in one line; the system's own name the file and what to do. None: nobody could mend it."""
    if isinstance(error, OSError):
        no_file = error.filename is None  # nothing that another path would mend
        return (
            None if no_file else f"{error.filename}: {str(error.strerror).lower()}; check the path"
        )
    return " ".join(str(error).split()) if isinstance(error, ValueError) else None
