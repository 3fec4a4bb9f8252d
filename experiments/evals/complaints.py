"""Makes Inspect print our errors as one line without a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

from inspect_ai._util.error import PrerequisiteError
from rich.markup import escape

from interp.errors import TriggerLensError


@contextmanager
def one_line() -> Iterator[None]:
    """Turn errors that a user can fix into errors that Inspect prints without a traceback."""
    try:
        yield
    except TriggerLensError as error:
        raise PrerequisiteError(escape(str(error))) from error
