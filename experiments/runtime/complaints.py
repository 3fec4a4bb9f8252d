"""All errors that pydantic found, in one line: the place, what is wrong, and the valid keys of that table."""

from collections.abc import Iterator, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

LONGEST = 1000  # characters, because a complaint may quote a value of any length


def complaint(error: ValidationError, model: type[BaseModel]) -> str:
    """Every fault; unknown keys come first, because they are often the reason why others are missing."""
    faults = error.errors(include_url=False, include_input=False)
    faults.sort(key=lambda fault: fault["type"] != "extra_forbidden")
    return shortened("; ".join(_fault(fault, model) for fault in faults))


def _fault(fault: ErrorDetails, model: type[BaseModel]) -> str:
    """The place and what is wrong there."""
    place = place_of(fault["loc"])
    words = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        valid = ", ".join(_table(model, fault["loc"][:-1]).model_fields)
        words = f"unknown key; valid are {valid}"
    if fault["type"] == "missing":
        words = "it is missing; write it down"
    if fault["type"] == "model_type":
        words = "it is not a table"
    return f"{place}: {words}" if place else words


def place_of(parts: Sequence[int | str]) -> str:
    """Keys joined by dots; tables in a list are counted from 1: `organisms #1.trigger`."""
    words = (f" #{part + 1}" if isinstance(part, int) else f".{part}" for part in parts)
    return "".join(words).removeprefix(".").strip()


def shortened(text: str, longest: int = LONGEST) -> str:
    """The text in one line of at most `longest` characters."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 4]} ..."


def _table(model: type[BaseModel], place: Sequence[int | str]) -> type[BaseModel]:
    """The model of a nested table; list positions and mapping names do not change the model."""
    for part in place:
        field = model.model_fields.get(str(part))
        nested = _models(field.annotation) if field else iter(())
        model = next(nested, model)
    return model


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
