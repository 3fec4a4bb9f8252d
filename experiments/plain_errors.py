"""What a user can mend is one line and exit code 2, not a traceback; Ctrl-C is exit code 130."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn errors that name their mend into one line on the standard error stream."""
    screen = Console(stderr=True)
    try:
        yield
    except KeyboardInterrupt:
        screen.print("interrupted; the same command resumes where it stopped", highlight=False)
        sys.exit(130)
    except (ValueError, OSError) as error:
        if isinstance(error, OSError) and error.filename is None:
            raise  # not about a file: nothing that another path would mend
        line = f"error: {_words(error)}"
        screen.print(line, style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(2)


def _words(error: ValueError | OSError) -> str:
    """The message in one line; the system's own name the file and what to do."""
    if isinstance(error, OSError):
        return f"{error.filename}: {str(error.strerror).lower()}; check the path"
    return " ".join(str(error).split())
