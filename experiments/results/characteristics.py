"""How often verdicts make each claim about organisms of each kind, with exact intervals.

1. The kind is what an organism was built to be, by its arm: contained, or one of the nulls.
2. A claim counts if the verdict rests on some row for it; otherwise it was not measured.
3. The share of organisms with the claim has a Clopper-Pearson interval, each organism one trial.

For "contained", the share is a sensitivity among organisms built to be contained and a rate of false claims among the
others. For the claims about directions it is neither: it is not known whether a contained organism depends on a single
direction. Organisms that are contained without depending on one concept are separate kinds.

Limit: organisms share bases (three at most), so these intervals are too narrow for another base.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from experiments.worlds.nulls.arms import KINDS
from probes.intervals import clopper_pearson

LEVEL = 0.95
CONTAINED = "contained"
CLAIMS = ("located", "necessary", "sufficient", "specific", "kept")
DIRECTIONS = ("switch", "misalignment", "refined")
FOUND = ("context-local direction", "general misbehaviour direction", "harmful edit")
BUILT_CONTAINED = re.compile(r"triggered|contrast|surface|mixed(-\d+-\d+)?")
Verdict = Mapping[str, Any]


class Said(NamedTuple):
    """A word of the verdict, a kind of organism, and how many organisms of that kind it was said of."""

    word: str
    kind: str
    times: int
    organisms: int
    bases: int

    @property
    def share(self) -> float:
        """The share of the organisms for which the word was measured."""
        return self.times / self.organisms

    @property
    def interval(self) -> tuple[float, float]:
        """The Clopper-Pearson interval, with organisms as trials."""
        return clopper_pearson(self.times, self.organisms, LEVEL)


def kind_of(arm: str) -> str | None:
    """What an organism of this arm was built to be; None for any other arm."""
    if BUILT_CONTAINED.fullmatch(arm):
        return CONTAINED
    return arm if arm in KINDS else None


def characteristics(verdicts: Iterable[Verdict]) -> list[Said]:
    """Every word for every kind; words in the order of the verdict, kinds in the order of `KINDS`."""
    said: Counter[tuple[str, str]] = Counter()
    measured: Counter[tuple[str, str]] = Counter()
    bases: dict[tuple[str, str], set[str]] = {}
    for verdict in verdicts:
        kind = kind_of(verdict["arm"])
        for word, is_said in words_of(verdict) if kind is not None else ():
            key = (word, str(kind))
            measured[key] += 1
            said[key] += is_said
            bases.setdefault(key, set()).add(verdict["family"])
    words = dict.fromkeys(word for word, _ in measured)
    keys = [(word, kind) for word in words for kind in (CONTAINED, *KINDS)]
    return [Said(*k, said[k], measured[k], len(bases[k])) for k in keys if measured[k]]


def words_of(verdict: Verdict) -> Iterator[tuple[str, bool]]:
    """Each word that was measured, and whether the verdict says it."""
    known = {row["claim"] for row in verdict["evidence"]}
    for claim in (CONTAINED, "negation", "carried"):
        if claim in known:
            yield claim, verdict[claim] == "yes"
    for reach in ("semantic", "surface") if "reach" in known else ():
        yield f"reach {reach}", verdict["reach"] == reach
    for direction in DIRECTIONS:
        for claim in CLAIMS:
            if f"{direction}.{claim}" in known:
                yield f"{direction} {claim}", verdict[direction][claim] == "yes"
        for found in FOUND if f"{direction}.necessary" in known else ():
            yield f"{direction}: {found}", verdict[direction]["found"] == found
    if any(f"{direction}.necessary" in known for direction in DIRECTIONS):
        for answer in ("yes", "undecided"):
            word = f"causal direction: {answer}"
            yield word, verdict["causal_direction"] == answer
