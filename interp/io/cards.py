"""A model card: what this is, where it lives, what it was fitted to, how to use it, and what is not known about it.

Text from elsewhere is written as code, on one line, so that it cannot become markup.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from interp.errors import TriggerLensError

LIBRARY = "triggerlens"
REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
LONGEST = 200  # characters of a fact


@dataclass(frozen=True)
class Card:
    """`use` is Python that loads and uses it; `unknown` is what is not known about it."""

    title: str
    what: str
    facts: Mapping[str, object]
    use: str
    unknown: str
    tags: Sequence[str] = ()


def card_text(
    card: Card, *, base: str | None, licence: str | None, base_licence: str | None
) -> str:
    """The card as Markdown, with the front matter that the hub reads."""
    facts = {
        **card.facts,
        "Base": base or "not named",
        "Licence of the base": base_licence or "not known here; look at the base",
    }
    rows = [f"| {name} | {code(value)} |" for name, value in facts.items()]
    parts = [
        _front_matter(card, base, licence),
        f"# {plain(card.title)}",
        card.what,
        "\n".join(["| | |", "|---|---|", *rows]),
        "## Use",
        f"```python\n{card.use.strip()}\n```",
        "Loading it for a model with other weights (`model_hash`), or from changed files, is an error.",
        "## What is not known",
        card.unknown,
    ]
    return "\n\n".join(parts) + "\n"


def licence_of(base: str | None) -> str | None:
    """The licence on the base's own card, if that is in a folder or in the hub's cache; nothing is downloaded."""
    if base is None:
        return None
    from huggingface_hub import ModelCard, try_to_load_from_cache

    file = Path(base) / "README.md"
    if not file.is_file():
        cached = try_to_load_from_cache(base, "README.md") if REPOSITORY.fullmatch(base) else None
        if not isinstance(cached, str):
            return None
        file = Path(cached)
    try:
        card = ModelCard(file.read_text(encoding="utf-8"), ignore_metadata_errors=True)
    except (ValueError, OSError):
        return None
    said = getattr(card.data, "license", None)
    return None if said is None else str(said)


def code(value: object) -> str:
    """Any text as code in a cell of a table: one line, no backtick, no bar."""
    text = " ".join(str(value).split()).replace("`", "'").replace("|", "/")
    return f"`{text[:LONGEST] or ' '}`"


def plain(text: str) -> str:
    """A title: letters, digits and a few marks."""
    return re.sub(r"[^\w .,:'-]+", " ", " ".join(text.split()))[:80].strip()


def literal(text: str) -> str:
    """A name as a Python string that cannot leave the card's block of code."""
    if "```" in text or "\n" in text:
        raise TriggerLensError(f"name {text!r}: give one line without backticks")
    return repr(text)


def _front_matter(card: Card, base: str | None, licence: str | None) -> str:
    from huggingface_hub import ModelCardData

    named = base if base is not None and REPOSITORY.fullmatch(base) else None
    data = ModelCardData(
        library_name=LIBRARY,
        tags=["interpretability", *card.tags],
        base_model=None if named is None or Path(named).exists() else named,
        license=licence,
    )
    return f"---\n{data.to_yaml()}\n---"
