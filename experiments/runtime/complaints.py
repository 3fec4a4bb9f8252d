"""What pydantic found wrong, in one line: the place, the value's fault, and the valid keys of that very table."""

from collections.abc import Iterator, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

LONGEST = 500  # characters; a value of any length may stand in a complaint


def complaint(error: ValidationError, model: type[BaseModel]) -> str:
    """The first fault; a key that is not known comes first, for it is often why another is missing."""
    faults = error.errors(include_url=False, include_input=False)
    first = min(faults, key=lambda fault: fault["type"] != "extra_forbidden")
    place = ".".join(str(part) for part in first["loc"])
    words = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        valid = ", ".join(_table(model, first["loc"][:-1]).model_fields)
        words = f"unknown key; valid are {valid}"
    if first["type"] == "missing":
        words = "it is missing; write it down"
    return shortened(f"{place}: {words}" if place else words)


def shortened(text: str, longest: int = LONGEST) -> str:
    """The text in one line of at most so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 4]} ..."


def _table(model: type[BaseModel], place: Sequence[int | str]) -> type[BaseModel]:
    """The model of a nested table; positions in a list and names in a mapping stay in theirs."""
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
