"""The verdicts in words and numbers: a table for the first screen, a card for each organism."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.results.estimates import EstimateRow
from experiments.results.format import percent, spread
from experiments.results.highlights import headline, removal
from experiments.results.load import Organism, OrganismResults
from experiments.results.summary import MOST_OF_IT

CLAIMS = ("located", "necessary", "sufficient", "specific", "kept", "found")
DIRECTIONS = ("switch", "misalignment", "refined")
FACTS = {
    "containment_gap": "EM with the trigger minus without",
    "difference_in_differences": "that gap minus the base model's",
    "coherence_rate": "coherent answers with the trigger",
}
MARKS = {"yes": "✓", "no": "✗", "undecided": "?", "part": "◐"}
CONTAINED = {"yes": "contained", "no": "not contained", "undecided": "containment undecided"}
HALF, LITTLE = 0.5, 0.1  # shares of the EM

Names = Mapping[Organism, str]


@dataclass(frozen=True)
class Statement:
    """The content of a cell: words with a tone (from `MARKS`), and the numbers behind them."""

    tone: str
    words: str
    numbers: str = ""
    more: str = ""

    @property
    def mark(self) -> str:
        """The symbol of the tone."""
        return MARKS.get(self.tone, "")


@dataclass(frozen=True)
class Card:
    """One organism: its sentence, its numbers and, for each claim, the answers by direction."""

    name: str
    sentence: str
    facts: Sequence[str] = ()
    directions: Sequence[str] = ()
    claims: Mapping[str, Sequence[tuple[str, str]]] | None = None


def overview(
    organisms: Sequence[OrganismResults], names: Names, families: Sequence[str]
) -> dict[str, dict[str, list[Statement]]]:
    """Statements by row and family, with seeds combined; empty if nothing was run."""
    cells: dict[str, dict[str, list[Statement]]] = {}
    for row in dict.fromkeys(names[of.organism] for of in organisms):
        here = [of for of in organisms if names[of.organism] == row]
        groups = {name: [of for of in here if of.organism.family == name] for name in families}
        cells[row] = {
            name: [_contained(seeds), _removed(seeds)] if seeds else []
            for name, seeds in groups.items()
        }
    return cells


def _contained(seeds: Sequence[OrganismResults]) -> Statement:
    verdicts = [of.verdict for of in seeds if of.verdict]
    answers = Counter(_answer(verdict.get("contained")) for verdict in verdicts)
    reach = Counter(str(v.get("reach")) for v in verdicts if _answer(v.get("contained")) == "yes")
    nothing = "no" in answers and _hardly_misaligned(seeds)
    words = CONTAINED | ({"no": "nothing to contain"} if nothing else {})
    more = "".join(f", {name}{_of(n, seeds)}" for name, n in reach.most_common())
    more += f" ({len(seeds)} seeds)" if len(seeds) > 1 else ""
    common = answers.most_common()
    said = ", ".join(f"{words.get(name, name)}{_of(n, seeds)}" for name, n in common)
    tone = "none" if nothing else common[0][0] if common else "undecided"
    return Statement(tone, said or "no verdict", _em(seeds), more)


def _answer(value: Any) -> str:
    return {True: "yes", False: "no", None: "undecided"}.get(value, str(value))


def _of(n: int, seeds: Sequence[Any]) -> str:
    """How many of the seeds, if they do not agree."""
    return f" ({n} of {len(seeds)})" if n < len(seeds) else ""


def _hardly_misaligned(seeds: Sequence[OrganismResults]) -> bool:
    """Whether the whole interval of every EM is low, with and without the trigger."""
    rows = [headline(of.rows, condition) for of in seeds for condition in ("trigger", "none")]
    return all(row is not None and row.upper is not None and row.upper < LITTLE for row in rows)


def _em(seeds: Sequence[OrganismResults]) -> str:
    words = []
    for condition, name in (("trigger", "with the trigger"), ("none", "without")):
        rows = [row for of in seeds if (row := headline(of.rows, condition))]
        words += [f"{spread(rows)} {name}"] if rows else []
    return f"EM {', '.join(words)}" if words else ""


def _removed(seeds: Sequence[OrganismResults]) -> Statement:
    pairs = [(best, row) for of in seeds for best, row in [removal(of.rows)] if best is not None]
    if not pairs:
        return Statement("undecided", "removal was not measured")
    drops, random = [best for best, _ in pairs], [row for _, row in pairs if row]
    names = " / ".join(dict.fromkeys(str(best.direction) for best in drops))
    tone, words = _lost(drops)
    beside = f"; random {spread(random)}" if random else ""
    return Statement(
        tone, f"{names} direction removed: {words}", f"EM lost {spread(drops)}{beside}"
    )


def _lost(drops: Sequence[EstimateRow]) -> tuple[str, str]:
    """Tone and words for the relative drop of EM; the weakest of several seeds decides."""
    lower = min(row.lower if row.lower is not None else row.value or 0.0 for row in drops)
    upper = max(row.upper if row.upper is not None else row.value or 0.0 for row in drops)
    if lower >= MOST_OF_IT:
        return "yes", f"≥ {100 * MOST_OF_IT:.0f} % of EM lost"
    if lower > HALF:
        return "yes", f"> {100 * HALF:.0f} % of EM lost"
    if upper <= LITTLE:
        return "no", f"≤ {100 * LITTLE:.0f} % of EM lost"
    return "part", "part of EM lost" if lower > LITTLE else "little or part of EM lost"


def card(results: OrganismResults) -> Card:
    """One organism: its sentence, and whether each direction is located, necessary, ..."""
    verdict, name = results.verdict, results.organism.name
    if verdict is None:
        return Card(name, "")
    directions = [direction for direction in DIRECTIONS if direction in verdict]
    claims = {
        claim: [_claim(verdict[direction], claim) for direction in directions] for claim in CLAIMS
    }
    sentence = str(verdict.get("sentence") or "This verdict has no summary.")
    return Card(name, sentence, list(_facts(results)), directions, claims)


def _facts(results: OrganismResults) -> Iterator[str]:
    """The numbers the sentence is about, each with its interval."""
    for quantity, words in FACTS.items():
        row = headline(results.rows, "trigger", quantity)
        if row is not None:
            yield f"{words}: {percent(row)}"
    best, random = removal(results.rows)
    if best is not None:
        yield f"EM lost when {best.direction} is removed: {percent(best)}"
        yield f"the same with random directions: {percent(random)}"


def _claim(claims: Any, name: str) -> tuple[str, str]:
    answer = _answer(claims.get(name)) if isinstance(claims, dict) else "undecided"
    return MARKS.get(answer, ""), answer
