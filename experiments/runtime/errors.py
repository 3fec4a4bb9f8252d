"""Errors in one line if the user can fix them; the traceback of any other error goes to a file.

With `--debug`, or TRIGGERLENS_DEBUG=1, tracebacks are also printed.
"""

import os
import traceback
from datetime import datetime
from pathlib import Path

from experiments.runtime.files import write_text
from experiments.runtime.system_errors import fix_of
from interp.errors import TriggerLensError

DEBUG = "TRIGGERLENS_DEBUG"
FOLDER = Path("artifacts/errors")  # tracebacks of commands without a run folder


def debugging() -> bool:
    """Whether tracebacks are shown on the screen."""
    return os.environ.get(DEBUG, "0") not in ("", "0")


def user_message(error: BaseException) -> str | None:
    """What is wrong and how to fix it, in one line; None for a fault of the program or of a library."""
    if fix := fix_of(error):
        return fix
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {str(error.strerror).lower()}; check the path"
    return one_line(error) if isinstance(error, TriggerLensError) else None


def fault_message(error: BaseException, file: Path) -> str:
    """A fault in one line, with the file that holds its traceback."""
    return (
        f"{type(error).__name__}: {one_line(error)} (a fault of the program, not of what was asked;"
        f" the traceback is in {file})"
    )


def one_line(error: BaseException) -> str:
    """The message without line breaks."""
    return " ".join(str(error).split())


def full_traceback(error: BaseException) -> str:
    """The traceback as Python prints it, including that of a worker process."""
    return "".join(traceback.format_exception(error))


def save_traceback(text: str, folder: Path = FOLDER, name: str = "traceback") -> Path:
    """Write a traceback into a new file."""
    moment = datetime.now().astimezone()
    return write_text(folder / f"{name}-{moment:%Y%m%d-%H%M%S-%f}.txt", text)
