"""What a user can fix: a value, a file or a setting that is wrong, said in one line with what to do about it."""


class TriggerLensError(ValueError):
    """Raised for what was asked or given. Any other exception is a fault of the program or of a library.

    A ValueError, as scikit-learn's and pydantic's contracts ask for.
    """
