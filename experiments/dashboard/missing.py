"""A missing figure is a value, not an exception: it says why there is nothing to show."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Missing:
    """Why there is nothing to show; `reason` completes the sentence "Not in this run: ..."."""

    reason: str


NOT_OF_THIS_WORLD = Missing(
    "nothing of the kind in this world"
)  # no command measures it: not listed
