"""Errors that a user can fix: one line that names the wrong value, file or setting, and says what to do."""


class TriggerLensError(ValueError):
    """Raised for what was asked or given. Any other exception is a fault of the program or of a library.

    A ValueError, as scikit-learn's and pydantic's contracts ask for.
    """
