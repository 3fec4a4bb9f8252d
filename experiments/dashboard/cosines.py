"""Which directions are one: a square of cosines."""

import plotly.graph_objects as go

from experiments.dashboard.inert import markup
from experiments.dashboard.maps import part
from experiments.dashboard.theme import SIGNED, finish
from experiments.results import OrganismResults


def cosines(results: OrganismResults) -> go.Figure:
    """Located directions, and the shift that each wording makes at one layer.

    Raises ValueError when there is none.
    """
    drawn = part(results, "cosines")
    names = [markup(name.replace("_", " "), 60) for name in drawn["names"]]
    values = drawn["values"]
    figure = go.Figure(
        go.Heatmap(
            x=names,
            y=names,
            z=values,
            text=[
                [
                    f"{row}<br>{column}<br>cosine {value:.2f}"
                    for column, value in zip(names, line, strict=True)
                ]
                for row, line in zip(names, values, strict=True)
            ],
            hovertemplate="%{text}<extra></extra>",
            texttemplate="",
            colorscale=SIGNED,
            zmin=-1,
            zmax=1,
            xgap=1,
            ygap=1,
            colorbar={"title": {"text": "cosine"}, "thickness": 10, "len": 0.9},
        )
    )
    figure.update_xaxes(showgrid=False, tickangle=-90, title={"text": "direction"})
    figure.update_yaxes(showgrid=False, autorange="reversed")
    count = (
        f"n = {drawn['n']} questions; random directions stay within ±{drawn['chance']:.2f}"
        f" 95 times in 100; shifts at layer {drawn['layer']}"
    )
    return finish(
        figure, _finding(drawn["names"], values), count, height=300 + 26 * len(names)
    )  # fmt: skip


def _finding(names: list[str], values: list[list[float]]) -> str:
    """How the two located directions stand to each other and to the trigger's own shift."""
    found = {
        (names[i], names[j]): values[i][j] for i in range(len(names)) for j in range(len(names))
    }
    pairs = (
        ("switch, removed", "misalignment, removed"),
        ("switch, removed", "shift of trigger"),
        ("misalignment, removed", "shift of trigger"),
    )
    words = [f"{a} and {b} {found[a, b]:.2f}" for a, b in pairs if (a, b) in found]
    return "Cosines: " + ("; ".join(words) or f"{len(names)} directions beside each other")
