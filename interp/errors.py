"""Errors that a user can fix. The message is one line: which value, file or setting is wrong, and what to do."""


class TriggerLensError(ValueError):
    """Raised when an input or a request is wrong. Any other exception is a bug in this program or in a library.

    It is a ValueError, because scikit-learn and pydantic require that.
    """
