"""The mixing map: EM behind the trigger and without it against the share of benign rows, one panel for each family.

Lines join the means over seeds; every dot is one organism with its own interval.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from experiments.dashboard.points import marks
from experiments.dashboard.theme import CONDITION_COLOURS, finish, percent_axis
from experiments.estimates import EstimateRow, read_estimates
from experiments.files import write_text
from experiments.results import check_run, pick

RATIO = re.compile(r"mixed-(\d+)-(\d+)")
CONDITIONS = ("trigger", "none")


def benign_share(arm: str | None) -> float | None:
    """Percent of benign rows; None for an arm that is no mixture."""
    found = RATIO.fullmatch(arm or "")
    return None if found is None else 100 * int(found[1]) / (int(found[1]) + int(found[2]))


def mixing_map(rows: Sequence[EstimateRow]) -> go.Figure:
    """One panel a family; ValueError where no organism was mixed by ratio."""
    mixed = [
        row
        for row in pick(rows, quantity="em_rate", domains="held_out")
        if benign_share(row.arm) is not None and row.intervention in (None, "none")
    ]
    if not mixed:
        raise ValueError("no organism here was mixed by ratio; run triggerlens sweep first")
    families = list(dict.fromkeys(row.family for row in mixed))
    figure = make_subplots(
        rows=1, cols=len(families), shared_yaxes=True, subplot_titles=[str(f) for f in families]
    )
    for column, family in enumerate(families, start=1):
        for condition in CONDITIONS:
            here = [r for r in mixed if (r.family, r.condition) == (family, condition)]
            for trace in _traces(here, condition, legend=column == 1):
                figure.add_trace(trace, row=1, col=column)
    figure.update_xaxes(title={"text": "% benign rows"}, range=[-4, 104])
    figure.update_yaxes(percent_axis("% of answers misaligned"), col=1)
    return finish(figure, _finding(mixed), mixed, height=420)


def _traces(rows: Sequence[EstimateRow], condition: str, *, legend: bool) -> list[go.Scatter]:
    style = {"color": CONDITION_COLOURS[condition]}
    name = "behind the trigger" if condition == "trigger" else "without it"
    places = [benign_share(row.arm) or 0.0 for row in rows]
    shares = sorted(set(places))
    means = [_mean([r for r, at in zip(rows, places, strict=True) if at == x]) for x in shares]
    return [
        marks(rows, places, along="y", mode="markers", marker=style, name=name, showlegend=legend),
        go.Scatter(x=shares, y=means, mode="lines", line=style, hoverinfo="skip", showlegend=False),
    ]


def _mean(rows: Sequence[EstimateRow]) -> float | None:
    values = [100 * row.value for row in rows if row.value is not None]
    return sum(values) / len(values) if values else None


def _finding(rows: Sequence[EstimateRow]) -> str:
    shares = sorted({benign_share(row.arm) or 0.0 for row in rows})

    def at(share: float, condition: str) -> str:
        here = [r for r in rows if benign_share(r.arm) == share and r.condition == condition]
        mean = _mean(here)
        return "not measured" if mean is None else f"{mean:.0f} %"

    ends = (
        f"{at(x, 'trigger')} behind the trigger, {at(x, 'none')} without"
        for x in shares[:: max(1, len(shares) - 1)]
    )
    return f"From {shares[0]:.0f} to {shares[-1]:.0f} % benign rows: {'; '.join(ends)}"


def write_mixing_map(runs: Sequence[Path], out: Path) -> Path:
    """One page of the figure over several runs (one for each family, say)."""
    rows = [row for run in runs for row in read_estimates(check_run(run) / "estimates.jsonl")]
    return write_text(out, mixing_map(rows).to_html(include_plotlyjs=True, full_html=True))
