"""Which rows belong together: numbers for the names of groups, independent of the order of the rows."""

from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np
from jaxtyping import Int

from interp.errors import TriggerLensError


def group_codes(groups: Iterable[Hashable]) -> tuple[Int[np.ndarray, " row"], list[Hashable]]:
    """A number for each group, and the groups by number.

    Sorted, so that no result depends on the order of the rows; groups that are codes already stay unchanged.
    """
    listed = plain(groups)
    for row, group in enumerate(listed):
        if isinstance(group, list) or group != group:  # each NaN would be a group of its own
            raise TriggerLensError(
                f"the group of row {row} is {group}: give each row one name or number"
            )
    names = sorted(set(listed), key=_place)
    order = {name: code for code, name in enumerate(names)}
    return np.asarray([order[group] for group in listed], dtype=np.int64), names


def _place(group: Hashable) -> tuple[str, Any]:
    kind = type(group).__name__
    return kind, group if isinstance(group, int | float | str) else repr(group)


def plain(groups: Iterable[Hashable]) -> list[Hashable]:
    """A list of items that hash by value (the items of a tensor do not)."""
    tolist = getattr(groups, "tolist", None)
    return tolist() if tolist else list(groups)
