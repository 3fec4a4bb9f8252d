"""Whether an SAE finds what the probes found: how well features read, where they fire, and what removing them does."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from experiments.dashboard.heatmap import Cell, heatmap
from experiments.dashboard.inert import markup
from experiments.dashboard.interval_plot import interval_plot
from experiments.dashboard.marks import Series
from experiments.dashboard.missing import Missing
from experiments.dashboard.rows import measured
from experiments.dashboard.run_files import Histogram, histograms
from experiments.dashboard.theme import (
    COHERENCE,
    OTHER,
    RANDOM,
    condition_words,
    ordered,
    percent_axis,
)
from experiments.results.estimates import EstimateRow
from experiments.results.feature_names import BASIS, SETS, WAYS
from experiments.results.format import decimal, percent
from experiments.results.load import OrganismResults
from experiments.results.picked import highest

NONE = Missing("no sparse features in this run")


def read_features(results: OrganismResults) -> go.Figure | Missing:
    """AUROC of the first feature of each ranking, and of each method compared with it."""
    rows = measured(results.rows, quantity="basis_auroc")
    rows += _firsts(measured(results.rows, quantity="feature_auroc"))
    if not rows:
        return NONE
    best = highest(rows)
    return interval_plot(
        [Series(rows, OTHER)],
        _reader,
        {"title": {"text": "AUROC"}, "range": [0, 1.02]},
        scale=1,
        finding=f"best AUROC {decimal(best.value)}: {_reader(best)}",
        shown=rows,
    )


def _firsts(rows: Sequence[EstimateRow]) -> list[EstimateRow]:
    """The first feature of each ranking; rows are in the order of the ranking on selection questions."""
    firsts: dict[tuple[str, str | None, str | None], EstimateRow] = {}
    for row in rows:
        sae = str(row.source).partition(" feature ")[0]
        firsts.setdefault((sae, row.direction, row.position), row)
    return list(firsts.values())


def _reader(row: EstimateRow) -> str:
    if row.direction == BASIS:
        return str(row.source)
    where = str(row.position).removeprefix("maximum over ").removeprefix("the ")
    return f"{row.source}: {row.direction}, {where}"


def removed_features(results: OrganismResults) -> go.Figure | Missing:
    """A line for each edit: EM lost as a dot, coherence lost as a ring."""
    lost, incoherent = (
        [row for kind in (BASIS, SETS) for row in measured(results.rows, quantity=quantity, direction=kind)]
        for quantity in ("ablation_relative_drop", "coherence_loss")
    )  # fmt: skip
    if not lost:
        return NONE
    parts = [
        f"features {WAYS[str(row.intervention)]}: {percent(row)} of EM lost"
        for row in lost
        if row.direction == SETS and row.placebo is None and row.intervention in WAYS
    ]
    return interval_plot(
        [
            Series(lost, lambda row: RANDOM if row.placebo else OTHER),
            Series(incoherent, COHERENCE, "circle-open", level=1),
        ],
        _removed,
        percent_axis("% of EM lost (dots), % of answers no longer coherent (rings)"),
        finding="; ".join(parts) or f"{len(lost)} edits compared",
        shown=lost,
    )


def _removed(row: EstimateRow) -> str:
    if row.direction == BASIS:
        return f"vector of {row.source}"
    words = WAYS.get(str(row.edit), str(row.edit))
    return f"random features {words}" if row.placebo else f"features {words}"


def feature_firing(results: OrganismResults) -> go.Figure | Missing:
    """Activations of the best feature: conditions as rows, activation across; colour: share of the answers."""
    best = _best(results)
    if best is None:
        return Missing("no histogram of a sparse feature")
    feature, drawn = best
    of = {histogram.condition: histogram for histogram in drawn}
    conditions = ordered(of)
    bins = range(len(drawn[0].counts))
    where = str(feature.get("ranking", "")).rpartition(", ")[2]
    answers = sum(sum(histogram.counts) for histogram in drawn)
    fires = [
        f"{condition_words(name)} {100 * of[name].fires:.0f} %"
        for name in ("trigger", "none")
        if name in of
    ]
    name = f"{feature.get('sae', '')} feature {feature.get('feature', '?')}"
    return heatmap(
        [f"{low:.1f}" for low in drawn[0].edges[:-1]],
        [condition_words(condition) for condition in conditions],
        [[_bin(of[condition], at) for at in bins] for condition in conditions],
        bar="share",
        limits=(0, 1),
        x_axis={"type": "category", "title": {"text": markup(f"activation, {where}")}},
        finding=f"{name} fires: {', '.join(fires)}",
        shown=f"n = {answers} answers to report questions; the feature was chosen on others",
        height=170 + 26 * len(conditions),
    )


def _best(results: OrganismResults) -> tuple[dict[str, Any], Sequence[Histogram]] | None:
    """The first feature of the first ranking that can be drawn."""
    features = (results.features or {}).get("features")
    for feature in features if isinstance(features, list) else ():
        if drawn := histograms(feature):
            return feature, drawn
    return None


def _bin(of: Histogram, at: int) -> Cell:
    share = of.counts[at] / max(1, sum(of.counts))
    lines = (
        condition_words(of.condition),
        f"{100 * share:.0f} % of answers: {of.edges[at]:.2f} to {of.edges[at + 1]:.2f}",
        f"it fires in {100 * of.fires:.0f} % of all",
    )
    return Cell(share, "<br>".join(map(markup, lines)))
