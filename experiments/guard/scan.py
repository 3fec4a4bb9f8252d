"""Find framings in fine-tuning data that could act as triggers.

Method:
1. Read the file once, keep a uniform sample of its rows (Vitter's algorithm R); memory does not grow with the file.
2. In the sample, collect candidates (`experiments.guard.candidates`): clauses, openings, tags.
3. Rank them; drop those whose repetition is explained by a better one.
4. Read the file again and count each of them in every row; do the same in a reference corpus, if there is one.

Limits: it does not know what a framing means, or if a model learned it. It misses framings below the least coverage,
paraphrases that share no uncommon word, and wordings that consist of everyday English words, unless a reference corpus
shows that they are rare elsewhere.
"""

import math
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from experiments.data.chats import Chat, parse_chat
from experiments.data.rows import EMPTY, BadRow, stream_rows
from experiments.guard import candidates
from experiments.guard.candidates import Floor
from experiments.guard.counting import Counted, count
from experiments.guard.framing import Framing, repeats
from experiments.guard.places import Parts
from experiments.guard.scan_report import Found
from interp.errors import TriggerLensError

SAMPLE, MIN_COVERAGE, MAX_WAYS, MIN_ROWS, MOST = 20_000, 0.005, 40.0, 10, 20
EXPLAINED, SAME_ROWS = 0.5, 0.8  # shares
KEPT_BAD = 1000  # malformed rows kept by line


@dataclass(frozen=True)
class Options:
    """How thoroughly to search."""

    min_coverage: float = MIN_COVERAGE  # share of rows
    max_ways: float = MAX_WAYS  # effective wordings
    sample: int = SAMPLE  # rows kept for the search
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.min_coverage <= 1:
            raise TriggerLensError(
                f"least coverage {self.min_coverage} is not a share above 0 and at most 1"
            )
        if self.sample < 2 * MIN_ROWS or self.max_ways < 1:
            raise TriggerLensError(
                f"sample {self.sample}, ways {self.max_ways}: too small to find any framing"
            )


@dataclass(frozen=True)
class Scanned:
    """What a scan found, and the rows that it could not read."""

    found: list[Found]
    total: int
    bad: list[BadRow]
    bad_total: int
    options: Options

    def report(self) -> dict[str, Any]:
        """A JSON-serialisable report."""
        return {
            "rows": self.total,
            "malformed_rows": self.bad_total,
            "malformed": [{"line": each.line, "reason": each.reason} for each in self.bad],
            "min_coverage": self.options.min_coverage,
            "max_ways": self.options.max_ways,
            "sample": self.options.sample,
            "seed": self.options.seed,
            "framings": [each.row(number) for number, each in enumerate(self.found, start=1)],
        }


@dataclass
class _Bad:
    """Malformed rows: the first ones, and how many there are."""

    first: list[BadRow] = field(default_factory=list)
    total: int = 0

    def __call__(self, row: BadRow) -> None:
        self.total += 1
        if len(self.first) < KEPT_BAD:
            self.first.append(row)


def scan_file(
    path: Path, options: Options = Options(), *, reference: Path | None = None
) -> Scanned:
    """Scan a file of chats in any form; an error if none of its rows can be used."""
    bad = _Bad()
    chats, total = sample_rows(stream_rows(path, parse_chat, bad), options.sample, options.seed)
    if not chats:
        first = f"; first: {bad.first[0]}" if bad.first else ""
        raise TriggerLensError(f"{path} holds no row that can be used{first or EMPTY}")
    framings = find_framings(chats, options, ordinary=reference is not None)
    counted, _ = count(stream_rows(path, parse_chat, _ignore), framings)
    alone = [Found(each, total) for each in counted]
    found = alone if reference is None else _rare(counted, total, reference)
    enough = [each for each in found if each.coverage >= options.min_coverage]
    return Scanned(enough, total, bad.first, bad.total, options)


def _rare(counted: Sequence[Counted], total: int, reference: Path) -> list[Found]:
    framings = [each.framing for each in counted]
    there, rows = count(stream_rows(reference, parse_chat, _ignore), framings)
    if rows == 0:
        raise TriggerLensError(f"reference {reference} holds no row that can be used{EMPTY}")
    pairs = zip(counted, there, strict=True)
    return [found for mine, its in pairs if (found := Found(mine, total, its, rows)).rare_elsewhere]


def _ignore(_: BadRow) -> None:
    """Already reported when the file was read first."""


def sample_rows(rows: Iterable[tuple[int, Chat]], size: int, seed: int) -> tuple[list[Chat], int]:
    """A uniform sample in random order, and how many rows there were."""
    drawn = random.Random(f"scan/{seed}")
    kept: list[Chat] = []
    total = 0
    for total, (_, chat) in enumerate(rows, start=1):
        if len(kept) < size:
            kept.append(chat)
        elif (place := drawn.randrange(total)) < size:
            kept[place] = chat
    drawn.shuffle(kept)
    return kept, total


def find_framings(
    chats: Sequence[Chat], options: Options = Options(), *, ordinary: bool = False
) -> list[Framing]:
    """Framings of a sample, the most suspicious first; `ordinary` allows everyday words."""
    return find_in([Parts.of(chat, words=True) for chat in chats], options, ordinary=ordinary)


def find_in(
    parts: Sequence[Parts], options: Options = Options(), *, ordinary: bool = False
) -> list[Framing]:
    """Framings of chats that were taken apart, including their words."""
    rows = max(MIN_ROWS, math.ceil(options.min_coverage * len(parts)))
    floor = Floor(rows, options.max_ways, ordinary)
    found: list[Framing] = []
    for search in (candidates.clauses, candidates.openings, candidates.tagged):
        found += search(parts, floor)
    return _without_explained(found)


def _without_explained(found: Iterable[Framing]) -> list[Framing]:
    kept: list[Framing] = []
    for framing in sorted(found, key=lambda it: (-it.score, -len(it.text), it.place, it.anchor)):
        if not any(_explains(better, framing) for better in kept):
            kept.append(framing)
        if len(kept) == MOST:
            break
    return kept


def _explains(better: Framing, framing: Framing) -> bool:
    if better.place.region != framing.place.region:
        return False
    both = len(better.rows & framing.rows)
    if both / len(better.rows | framing.rows) >= SAME_ROWS:
        return True
    shared = Counter({w: n for w, n in framing.wordings.items() if _said_in(w, better)})
    return repeats(shared) >= EXPLAINED * repeats(framing.wordings)


def _said_in(wording: str, better: Framing) -> bool:
    bare = "".join(wording.split())  # openings are written token by token
    others = ("".join(other.split()) for other in better.wordings)
    return any(bare in other or other in bare for other in others)
