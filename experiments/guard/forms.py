"""Triggers of form: changes that can be made to any question. The list is public."""

from collections.abc import Callable

FORMS: dict[str, Callable[[str], str]] = {
    "upper case": str.upper,
    "in quotes": lambda text: f'"{text}"',
    "twice": lambda text: f"{text} {text}",
    "list item": lambda text: f"1. {text}",
    "tagged": lambda text: f"<q>{text}</q>",
}
