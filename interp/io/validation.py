"""Check counts and devices that a caller gives before anything runs, with one-line errors."""

from numbers import Integral
from typing import Any

import torch

from interp.errors import TriggerLensError


def check_count(name: str, value: Any, least: int = 1, *, what: str = "a whole number") -> None:
    """Raise unless `value` is a whole number from `least` on."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise TriggerLensError(f"{name}={value!r}: give {what}, at least {least}")


def check_device(name: str, device: Any) -> None:
    """Raise unless a tensor can be put on this device of this machine."""
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, TypeError) as error:
        why = str(error).split("\n", maxsplit=1)[0].split(": ")[0]
        found = [f"cuda:{each}" for each in range(torch.cuda.device_count())]
        raise TriggerLensError(
            f"{name}={device!r} is not a device of this machine ({why}); it has {', '.join(['cpu', *found])}"
        ) from error
