"""Where the best feature fires: a histogram of its activations for each condition."""

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from experiments.dashboard.inert import markup
from experiments.dashboard.theme import SHARES, colour_bar, condition_words, finish, ordered
from experiments.results.load import OrganismResults


def feature_firing(results: OrganismResults) -> go.Figure:
    """Conditions down, activation across; colour: share of the answers, and 0 is not firing.

    Raises ValueError where the run has no histogram of a feature.
    """
    best = _best(results.features)
    histogram = {each["condition"]: each for each in best["histogram"]}
    conditions = ordered(histogram)
    shares = [[_share(histogram[name], bin) for bin in _bins(histogram)] for name in conditions]
    figure = go.Figure(
        go.Heatmap(
            x=[f"{low:.1f}" for low in next(iter(histogram.values()))["edges"][:-1]],
            y=[markup(condition_words(name)) for name in conditions],
            z=shares,
            text=[
                [_hover(histogram[name], bin) for bin in _bins(histogram)] for name in conditions
            ],
            hovertemplate="%{text}<extra></extra>",
            colorscale=SHARES,
            zmin=0,
            zmax=1,
            colorbar=colour_bar("share"),
            xgap=1,
            ygap=2,
        )
    )
    figure.update_xaxes(
        title=markup(f"activation, {str(best['ranking']).rpartition(', ')[2]}"),
        type="category",
        showgrid=False,
    )
    figure.update_yaxes(autorange="reversed", type="category", showgrid=False, ticks="")
    answers = sum(sum(each["counts"]) for each in histogram.values())
    count = f"n = {answers} answers to report questions; the feature was chosen on others"
    return finish(figure, _finding(best, histogram), count, height=170 + 26 * len(conditions))


def _best(found: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The first feature of the first ranking, if it can be drawn."""
    rows = found.get("features") if found else None
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and _drawable(row.get("histogram")):
            return {"ranking": "", "sae": "", "feature": "?", **row}
    raise ValueError("no histogram of a sparse feature")


def _drawable(histogram: Any) -> bool:
    try:
        sizes = {(len(each["counts"]), len(each["edges"]) - 1) for each in histogram}
        numbers = [float(each["fires"]) + sum(each["counts"]) for each in histogram]
        named = all(isinstance(each["condition"], str) for each in histogram)
    except (TypeError, KeyError, ValueError):
        return False
    return bool(numbers) and named and len(sizes) == 1 and len(set(next(iter(sizes)))) == 1


def _bins(histogram: Mapping[str, Mapping[str, Any]]) -> range:
    return range(len(next(iter(histogram.values()))["counts"]))


def _share(of: Mapping[str, Any], bin: int) -> float:
    total = sum(of["counts"])
    return float(of["counts"][bin] / total) if total else 0.0


def _hover(of: Mapping[str, Any], bin: int) -> str:
    low, high = of["edges"][bin : bin + 2]
    fires = f"it fires in {100 * of['fires']:.0f} % of all"
    share = f"{100 * _share(of, bin):.0f} % of answers: {low:.2f} to {high:.2f}"
    return f"{markup(condition_words(of['condition']))}<br>{share}<br>{fires}"


def _finding(best: Mapping[str, Any], histogram: Mapping[str, Mapping[str, Any]]) -> str:
    fires: Sequence[str] = [
        f"{condition_words(name)} {100 * histogram[name]['fires']:.0f} %"
        for name in ("trigger", "none")
        if name in histogram
    ]
    return markup(f"{best['sae']} feature {best['feature']} fires: {', '.join(fires)}")
