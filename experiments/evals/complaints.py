"""Errors of ours as Inspect prints them: one line, no traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

from inspect_ai._util.error import PrerequisiteError
from rich.markup import escape

from interp.errors import TriggerLensError


@contextmanager
def one_line() -> Iterator[None]:
    """Turn what a user can fix into what Inspect prints as it is."""
    try:
        yield
    except TriggerLensError as error:
        raise PrerequisiteError(escape(str(error))) from error
