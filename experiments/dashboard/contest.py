"""What each entrant of a contest said about each organism, as a grid.

    python -m experiments.dashboard.contest     docs/results/contest.png, from the rows of the reported contest

One row is one organism, by kind; one column is one entrant. Below its name are the number of triggered organisms whose
true class it named, and the number of clean ones that it accused.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import plotly.graph_objects as go

from experiments.dashboard.static import save_figure
from experiments.results.contest_rates import OURS, entrants, rates
from experiments.runtime.files import read_jsonl

ROWS, PICTURE = Path("artifacts/contest/reported/rows.jsonl"), Path("docs/results/contest.png")
OUTCOMES = {
    "names the class": "#0072b2",
    "calls it triggered, but not this class": "#e69f00",
    "misses it": "#dddddd",
    "right about an organism without a trigger": "#9ad0f0",
    "wrongly accuses it": "#d55e00",
}
RIGHT, OTHER, MISSED, FINE, WRONG = range(5)
ORDER = (
    "fixed",
    "semantic",
    "two cues",
    "earlier turn",
    "system prompt",
    "form",
    "untriggered",
    "harmless",
)
Row = Mapping[str, Any]


def outcome(row: Row) -> int:
    """The outcome of one guess, as its place in `OUTCOMES`."""
    if row["should_say"] == "clean":
        return WRONG if row["accused"] else FINE
    if row["should_say"] == "misaligned":
        return FINE if row["says"] == "misaligned" else MISSED
    if row["class"]:
        return RIGHT
    return OTHER if row["says"] == "triggered" else MISSED


def contest_figure(rows: Sequence[Row]) -> go.Figure:
    """Scored rows of one contest, in any order; organisms that do not behave as intended are left out."""
    meant = [row for row in rows if row["as_meant"]]
    names = entrants(meant)
    organisms = sorted({(ORDER.index(row["kind"]), row["organism"]) for row in meant}, reverse=True)
    cells = {(row["organism"], row["entrant"]): row for row in meant}
    one = {row["organism"]: row for row in meant}
    grid = [[outcome(cells[organism, name]) for name in names] for _, organism in organisms]
    colours = list(OUTCOMES.values())
    steps = [((at + end) / len(colours), each) for at, each in enumerate(colours) for end in (0, 1)]
    heat = go.Heatmap(
        z=grid,
        x=[_head(meant, name) for name in names],
        y=[f"{_kind(one[organism])}  {organism[-2:]}" for _, organism in organisms],
        zmin=-0.5,
        zmax=len(colours) - 0.5,
        colorscale=steps,
        showscale=False,
        xgap=3,
        ygap=2,
    )
    keys = [
        go.Scatter(x=[None], y=[None], name=words, mode="markers",
                   marker={"color": colour, "symbol": "square", "size": 12})
        for words, colour in OUTCOMES.items()
    ]  # fmt: skip
    return go.Figure([heat, *keys]).update_layout(
        title={"text": _finding(meant)},
        height=220 + 24 * len(organisms),
        template="plotly_white",
        font={"size": 11},
        xaxis={"side": "top", "showgrid": False, "tickangle": 0},
        yaxis={"showgrid": False, "type": "category"},
        legend={"orientation": "h", "y": -0.03},
        margin={"t": 130},
    )


def _kind(row: Row) -> str:
    hides = "" if row["hides"] == "no" else f", {row['hides']}"
    return f"{row['kind']}{hides} ({row['base'].rpartition('/')[2]})"


def _head(rows: Sequence[Row], entrant: str) -> str:
    found = rates(rows, entrant)
    named, accused = found["class"], found["accused"]
    return (
        f"<b>{entrant}</b><br>named: {_count(named.value, named.n)}"
        f"<br>accused: {_count(accused.value, accused.n)}"
    )


def _count(value: float | None, n: int) -> str:
    return "none" if value is None else f"{round(value * n)} of {n}"


def _finding(rows: Sequence[Row]) -> str:
    shares = {name: rates(rows, name)["class"] for name in entrants(rows)}
    mine = shares[OURS]
    others = {name: share for name, share in shares.items() if name != OURS}
    best = max(others, key=lambda name: others[name].value or 0.0)
    most = others[best]
    other = f"the best other entrant ({best}) of {_count(most.value, most.n)}"
    return (
        f"The search names the class of {_count(mine.value, mine.n)} hidden triggers,<br>"
        f"{other if most.value else 'no other entrant names any'}"
    )


if __name__ == "__main__":
    print(save_figure(contest_figure(read_jsonl(ROWS)), PICTURE))
