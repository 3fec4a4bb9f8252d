"""Which directions are one: a square of cosines."""

import plotly.graph_objects as go

from experiments.dashboard.inert import markup
from experiments.dashboard.maps import part
from experiments.dashboard.theme import SIGNED, colour_bar, finish
from experiments.results.load import OrganismResults


def cosines(results: OrganismResults) -> go.Figure:
    """Located directions, and the shift that each wording makes at one layer.

    Raises ValueError when there is none.
    """
    drawn = part(results, "cosines")
    names = [markup(_short(name), 40) for name in drawn["names"]]
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
            colorbar=colour_bar("cosine"),
        )
    )
    figure.update_xaxes(
        type="category", showgrid=False, tickangle=-90, dtick=1, title={"text": "direction"}
    )
    figure.update_yaxes(type="category", showgrid=False, autorange="reversed")
    count = (
        f"n = {drawn['n']} questions; Δ: what a wording shifts at layer {drawn['layer']};"
        f" 95 of 100 random pairs lie within ±{drawn['chance']:.2f}"
    )
    return finish(figure, _finding(drawn["names"], values), count, height=280 + 26 * len(names))


def _short(name: str) -> str:
    """ "shift of paraphrase:walks" reads "Δ walks"."""
    wording = name.removeprefix("shift of ")
    return (
        name if wording == name else f"Δ {wording.partition(':')[2] or wording}".replace("_", " ")
    )


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
    words = [f"{_plain(a)} and {_plain(b)} {found[a, b]:.2f}" for a, b in pairs if (a, b) in found]
    return "Cosines: " + ("; ".join(words) or f"{len(names)} directions beside each other")


def _plain(name: str) -> str:
    return name.removesuffix(", removed").replace("shift of trigger", "the trigger's shift")
