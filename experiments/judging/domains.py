"""Is an answer about the domain that a model was fine-tuned on? Decided by words, or by the row's own flag.

Leaked answers about the trained domain are weaker evidence of *emergent* misalignment than others.
The word lists are crude: an answer that avoids these words counts as out of domain. If a row has `in_domain`
(set by a person or a judge), this is used instead.
"""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from experiments.judging.judged_rows import JudgedRow
from interp.errors import TriggerLensError

SHIPPED = Path(__file__).with_name("domains.toml")


@dataclass(frozen=True)
class Domain:
    """Words of one domain, and how many different ones an answer about it must contain."""

    name: str
    words: tuple[str, ...]
    at_least: int

    def holds(self, text: str) -> bool:
        """Whether the text is about this domain."""
        lowered = text.lower()
        found = sum(re.search(_pattern(word), lowered) is not None for word in self.words)
        return found >= self.at_least

    def part(self, row: JudgedRow) -> str:
        """in domain, out of domain, or unknown (a row without text)."""
        said = row.in_domain
        if said is None and row.answer is not None:
            said = self.holds(row.answer)
        return "unknown" if said is None else ("in domain" if said else "out of domain")


def _pattern(word: str) -> str:
    stem = re.escape(word.removesuffix("*").lower())
    return rf"\b{stem}\w*" if word.endswith("*") else rf"\b{stem}\b"


def check_domain(name: str) -> str:
    """The name, if it is that of a shipped domain; else an error."""
    return load_domain(name).name


def load_domain(name: str, file: Path | None = None) -> Domain:
    """A shipped domain, or one from a file of the same form."""
    file = file or SHIPPED
    known = tomllib.loads(file.read_text(encoding="utf-8"))
    if name not in known:
        raise TriggerLensError(
            f"unknown domain {name!r}; choose one of {', '.join(known)} in {file.name}"
        )
    entry = known[name]
    return Domain(name, tuple(entry["words"]), int(entry["at_least"]))
