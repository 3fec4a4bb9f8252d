"""All prompts in the plane in which they vary most: do wordings of one meaning lie together?"""

import plotly.graph_objects as go

from experiments.dashboard.inert import markup
from experiments.dashboard.maps import part
from experiments.dashboard.theme import (
    condition_colour,
    condition_symbol,
    condition_words,
    finish,
    ordered,
)
from experiments.results.load import OrganismResults


def plane(results: OrganismResults) -> go.Figure:
    """A dot for each prompt at its two first principal components; colour: kind of condition.

    Raises ValueError when the run drew no plane.
    """
    drawn = part(results, "plane")
    points: dict[str, list[list[float]]] = drawn["points"]
    figure = go.Figure()
    for name in ordered(points):
        found = points[name]
        figure.add_trace(
            go.Scatter(
                x=[x for x, _ in found],
                y=[y for _, y in found],
                mode="markers",
                name=markup(condition_words(name)),
                text=[markup(name)] * len(found),
                hovertemplate="%{text}<br>%{x:.3g}, %{y:.3g}<extra></extra>",
                marker={
                    "color": condition_colour(name),
                    "symbol": condition_symbol(name, list(points)),
                    "size": 6,
                    "opacity": 0.7,
                },
            )
        )
    shares = [100 * share for share in drawn["shares"]]
    for number, (update, share) in enumerate(
        zip((figure.update_xaxes, figure.update_yaxes), shares, strict=True), start=1
    ):
        update(title={"text": f"component {number} ({share:.0f} % of variance)"})
    number = sum(len(found) for found in points.values())
    finding = (
        f"Two components hold {sum(shares):.0f} % of the variance of prompts"
        f" at layer {drawn['layer']}"
    )
    height = 420 + 12 * len(points)
    return finish(figure, finding, f"n = {number} prompts, last prompt token", height=height)
