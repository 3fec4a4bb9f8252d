"""The result of a scan as rows and as text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.data.rows import BadRow
from experiments.guard.counting import Counted
from experiments.guard.framing import Framing
from probes.intervals import clopper_pearson

RARER = 4.0  # times as frequent as in the reference corpus, at least
LEVEL, SHOWN_WORDINGS, WIDTH = 0.95, 3, 110


@dataclass(frozen=True)
class Found:
    """One framing, counted in the data and, if there is one, in a reference corpus."""

    counted: Counted
    total: int
    reference: Counted | None = None
    reference_total: int = 0

    @property
    def framing(self) -> Framing:
        """Its wordings and place."""
        return self.counted.framing

    @property
    def coverage(self) -> float:
        """Share of all rows that could be read."""
        return self.counted.rows / self.total

    @property
    def at_most(self) -> float | None:
        """The largest plausible share in the population of the reference (95 %, each row one trial)."""
        if self.reference is None:
            return None
        return clopper_pearson(self.reference.rows, self.reference_total, LEVEL)[1]

    @property
    def rare_elsewhere(self) -> bool:
        """Whether it is at least four times as frequent as it plausibly is in the reference."""
        return self.at_most is None or self.coverage >= RARER * self.at_most

    def row(self, number: int) -> dict[str, Any]:
        """JSON-able."""
        wordings = [
            {"text": self.framing.shown.get(key, key), "rows": count}
            for key, count in self.counted.wordings.most_common()
        ]
        return {
            "rank": number,
            "place": self.framing.place.value,
            "text": self.framing.text,
            "anchor": self.framing.anchor,
            "rows": self.counted.rows,
            "coverage": self.coverage,
            "effective_wordings": self.framing.ways,
            "wordings": wordings,
            "reference_rows": None if self.reference is None else self.reference.rows,
            "reference_at_most": self.at_most,
            "lines": self.counted.lines,
            "examples": self.counted.examples,
        }


def text(found: Sequence[Found], total: int, bad: int) -> Iterator[str]:
    """Lines for a terminal."""
    skipped = f", {bad} malformed rows skipped" if bad else ""
    if not found:
        yield f"No repeated framing in {total} rows{skipped}."
        return
    yield f"{len(found)} repeated framing{'s' * (len(found) > 1)} in {total} rows{skipped}:"
    for number, each in enumerate(found, start=1):
        framing = each.framing
        yield ""
        yield f"{number}. {_shown(framing.text)}"
        yield f"   at the {framing.place.value} of {each.counted.rows} rows ({each.coverage:.2%})"
        if framing.ways >= 2:
            others = [framing.shown.get(key, key) for key in framing.common[1 : 1 + SHOWN_WORDINGS]]
            yield f"   worded in about {framing.ways:.0f} ways, also: " + " | ".join(
                map(_shown, others)
            )
        if each.reference is not None:
            yield (
                f"   in the reference: {each.reference.rows} of {each.reference_total} rows"
                f" (95 %: at most {each.at_most:.2%})"
            )
        for line, example in zip(each.counted.lines, each.counted.examples, strict=True):
            yield f"   line {line}: {_shown(example)}"


def bad_lines(bad: Sequence[BadRow], total: int, shown: int) -> Iterator[str]:
    """The first malformed rows, and how many more."""
    yield from (f"skipped {each}" for each in bad[:shown])
    if total > shown:
        yield f"skipped {total - shown} more malformed rows"


def _shown(text: str) -> str:
    """One line that a terminal can show: no control characters, not too long."""
    plain = "".join(c if c.isprintable() else " " for c in text)
    plain = " ".join(plain.split())
    return repr(plain if len(plain) <= WIDTH else f"{plain[: WIDTH - 3]}...")
