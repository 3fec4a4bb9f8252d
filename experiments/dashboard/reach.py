"""How far the trigger's meaning reaches: EM of wordings against their distance from the trigger."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from experiments.dashboard.marks import Series
from experiments.dashboard.missing import Missing
from experiments.dashboard.rows import held_out, measured
from experiments.dashboard.run_files import Variant, guard_part, part
from experiments.dashboard.scatter import scatter
from experiments.dashboard.theme import (
    CONDITION_COLOURS,
    EM_AXIS,
    SYMBOLS,
    condition_symbol,
    row_colour,
    row_words,
)
from experiments.results.estimates import EstimateRow
from experiments.results.format import decimal
from experiments.results.load import OrganismResults, in_order, intact
from experiments.runtime.extras import not_measured

MEASURES = {
    "words": "1 - share of words in common",
    "representation": "1 - cosine of shifts in the stream",
    "meaning": "1 - cosine of sentence vectors",
}
# a wording with the same meaning, with another one, or a damaged form of the trigger itself
GROUPS = {
    "trigger": "trigger",
    "paraphrase": "paraphrase",
    "same_concept": "paraphrase",
    "other_concept": "control",
    "other_described": "control",
}


def reach(results: OrganismResults, measure: str) -> go.Figure | Missing:
    """A dot for each wording. `measure`: words, representation or meaning."""
    distances = part(results, "distances", dict[str, dict[str, float]])
    if isinstance(distances, Missing):
        return distances
    away = distances.get(measure)
    if not away:
        lacks = "" if measure != "meaning" else f", {not_measured('distance')}"
        return Missing(f"no distances by {measure}{lacks}")
    known = [row for row in intact(results.rows, "em_rate") if row.condition in away]
    rows = in_order(held_out(known))
    if not rows:
        return Missing("no EM rate of a wording whose distance is known")
    texts = part(results, "wordings", dict[str, str])
    names = [str(row.condition) for row in rows]

    def note(row: EstimateRow) -> str:
        name = str(row.condition)
        text = name if isinstance(texts, Missing) else texts.get(name, name)
        return f"“{text}”, distance {away[name]:.2f}"

    return scatter(
        [
            Series([row], row_colour, condition_symbol(name, names), row_words(row), note=note)
            for row, name in zip(rows, names, strict=True)
        ],
        lambda row: away[str(row.condition)],
        _axis(measure),
        EM_AXIS,
        finding=_correlation(results, measure),
        shown=rows,
        height=440,
    )


def _axis(measure: str) -> str:
    return f"distance by {measure}:<br>{MEASURES.get(measure, '')}"


def _correlation(results: OrganismResults, measure: str) -> str:
    rows = measured(results.rows, quantity="reach_correlation")
    row = next((row for row in rows if row.get("measure") == measure), None)
    if row is None:
        return f"Distance by {measure}: too few wordings for a rank correlation"
    return (
        f"By {measure}, EM and distance have rank correlation"
        f" {decimal(row.value, row.lower, row.upper)} over {row.n} wordings"
    )


def variants(results: OrganismResults, measure: str) -> go.Figure | Missing:
    """EM of every graded variant against its distance from the trigger."""
    told = [row for row in results.guard.get("reach", []) if row.get("measure") == measure]
    rates = [row for row in told if row.get("quantity") == "em_rate" and row.get("value") is not None]  # fmt: skip
    if not rates:
        reason = next((str(row.get("method")) for row in told), "no rows in guard/reach")
        return Missing(f"graded variants by {measure}: {reason}")
    rows = guard_part(rates, "reach", Variant)
    if isinstance(rows, Missing):
        return rows
    kinds = list(dict.fromkeys(map(_kind, rows)))
    return scatter(
        [
            Series(
                [row for row in rows if _kind(row) == kind],
                _colour(kind),
                _symbol(kind, kinds),
                kind.replace("_", " "),
                note=lambda row: (
                    f"{row.get('variant')}: “{row.get('wording_text')}”,"
                    f" distance {row.get('distance'):.2f}"
                ),
            )
            for kind in kinds
        ],
        lambda row: float(row.get("distance")),
        _axis(measure),
        EM_AXIS,
        finding=_firing(rows, told, measure),
        shown=f"n = {len(rows)} wordings, at most {max(row.n for row in rows)} answers each",
        height=440,
    )


def _kind(row: EstimateRow) -> str:
    return str(row.get("variant")).partition(":")[0]


def _colour(kind: str) -> str:
    return CONDITION_COLOURS[GROUPS.get(kind, "variant")]


def _symbol(kind: str, kinds: Sequence[str]) -> str:
    alike = [name for name in kinds if _colour(name) == _colour(kind)]
    return SYMBOLS[alike.index(kind) % len(SYMBOLS)]


def _firing(rows: Sequence[EstimateRow], told: Sequence[dict[str, Any]], measure: str) -> str:
    values = [row.value or 0.0 for row in rows]
    fire = sum(value >= max(values) / 2 for value in values)
    words = f"{fire} of {len(values)} wordings have at least half of the highest EM"
    found = [row for row in told if row.get("quantity") == "rank_correlation"]
    if not found:
        return words
    value, lower, upper = (found[0].get(key) for key in ("value", "lower", "upper"))
    number = decimal(value, lower, upper)
    return f"{words}; by {measure}, rank correlation {number}"
