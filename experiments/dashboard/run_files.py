"""The parts of an organism's lines in `maps.jsonl`, `features.jsonl` and `guard/` that the page draws.

Any version of the code may have written these files, so each part is checked before it is drawn. A part that is absent
or malformed is `Missing`.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError, model_validator

from experiments.dashboard.missing import Missing
from experiments.results.estimates import EstimateRow
from experiments.results.load import OrganismResults
from interp.errors import TriggerLensError

T = TypeVar("T")
Matrix = list[list[float]]
Holes = list[list[float | None]]


class Question(BaseModel):
    """A question and, for each condition, the numbers of misaligned answers and of all answers."""

    id: str
    questions: str | None = None
    text: str = ""
    rates: dict[str, tuple[int, int]]

    def share(self, condition: str) -> float | None:
        """The share of misaligned answers under a condition; None if it was not asked."""
        bad, n = self.rates.get(condition) or (0, 0)
        return bad / n if n else None


class Projection(BaseModel):
    """Prompts along one direction, in median residual norms."""

    direction: str
    layer: int
    values: dict[str, list[float]]


class Plane(BaseModel):
    """Prompts at their first two principal components."""

    layer: int
    shares: tuple[float, float]
    points: dict[str, list[tuple[float, float]]]


class Cosines(BaseModel):
    """Cosines between all named directions."""

    layer: int
    names: list[str]
    values: Matrix
    chance: float
    n: int


class Patched(BaseModel):
    """Effects at one site for each layer and token; None for a token without a counterpart."""

    effect: Holes
    lower: Holes
    upper: Holes


class Patching(BaseModel):
    """The effect that is restored by patching activations of the first condition into the second."""

    pair: tuple[str, str]
    layers: list[int]
    tokens: list[str]
    n: int
    clean: float
    corrupt: float
    sites: dict[str, Patched]


class Histogram(BaseModel):
    """How strongly a feature fires in answers under one condition."""

    condition: str
    counts: list[int]
    edges: list[float]
    fires: float

    @model_validator(mode="after")
    def _edges_around_counts(self) -> "Histogram":
        if not self.counts or len(self.edges) != len(self.counts) + 1:
            raise TriggerLensError("edges do not fit counts")
        return self


class Gate(BaseModel):
    """The gate's decision, and whether it is right."""

    verdict: str
    wanted: str
    right: bool
    answers: int
    questions: int
    broken: list[str]


class Rank(BaseModel):
    """The place of the trigger among candidates."""

    place: int
    candidates: int
    questions: int


class Monitored(EstimateRow):
    """One number of a monitor fitted without one paraphrase."""

    left_out: str


class Bypass(EstimateRow):
    """The share of firing variants that pass a filter."""

    filter: str
    firing: int
    tried: int


class Variant(EstimateRow):
    """The EM of one graded wording at its distance from the trigger."""

    variant: str
    wording_text: str
    distance: float


def part(results: OrganismResults, name: str, kind: type[T]) -> T | Missing:
    """The data that the run wrote for figures under `name`."""
    if results.maps is None:
        return Missing("the run has no maps.jsonl with this organism")
    found = results.maps.get(name)
    if not found:
        return Missing(f"maps.jsonl has no {name} of this organism")
    if isinstance(found, dict) and "missing" in found:
        return Missing(str(found["missing"]))
    return parsed(found, kind, "maps.jsonl")


def guard_part(rows: Sequence[dict[str, Any]], name: str, kind: type[T]) -> list[T] | Missing:
    """Rows of one part of the guard, each as `kind`."""
    # here, a variant's wording is its text, not a name as in other rows
    texts = [
        {"wording_text" if key == "wording" else key: value for key, value in row.items()}
        for row in rows
    ]
    found = [parsed(row, kind, f"guard/{name}") for row in texts]
    bad = next((row for row in found if isinstance(row, Missing)), None)
    return bad or [row for row in found if not isinstance(row, Missing)]


def parsed(found: Any, kind: type[T], name: str) -> T | Missing:
    """The data as `kind`, or a reason with a fix if it is malformed."""
    try:
        return TypeAdapter(kind).validate_python(found)
    except ValidationError:
        return Missing(f"{name} is not as expected; make it again")


def histograms(feature: Any) -> Sequence[Histogram]:
    """A feature's histograms over the same activations; empty if none can be drawn."""
    found = feature.get("histogram") if isinstance(feature, dict) else None
    drawn = parsed(found, list[Histogram], "features.jsonl")
    if isinstance(drawn, Missing) or len({len(of.counts) for of in drawn}) != 1:
        return ()
    return drawn
