"""Figures of circuits: the graph of the strongest edges, and faithfulness by circuit size."""

from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go
from torch import Tensor

from interp.circuits.graph import EMBED, LOGITS, MLP, Graph, Node, Port
from interp.figures import CONTROL, DOWN, SIGNED, UP, counted, finish

if TYPE_CHECKING:
    from interp.circuits.keep import Curves
    from interp.circuits.scores import EdgeScores

BEND = {"q": -0.16, "k": 0.0, "v": 0.16}  # offset of an edge's end within a head's marker
Point = tuple[float, float]


def circuit(scores: "EdgeScores", edges: int) -> go.Figure:
    """Heads and MLPs by layer, the first at the bottom, and the strongest edges, wider if stronger."""
    graph, mean = scores.graph, scores.edges.mean(0)
    kept = scores.circuit(min(edges, graph.n_edges)).nonzero().tolist()
    largest = max((abs(float(mean[node, port])) for node, port in kept), default=1.0) or 1.0
    figure = go.Figure()
    for node, port in sorted(kept, key=lambda place: abs(float(mean[tuple(place)]))):
        value = float(mean[node, port])
        for end in _ends(graph, graph.ports[port]):
            figure.add_trace(_line(_point(graph, graph.nodes[node]), end, value, largest))
    figure.add_trace(_middles(graph, mean, kept))
    figure.add_trace(_nodes(scores))
    figure.add_trace(_logits(graph))
    figure.update_xaxes(visible=False, range=[-0.6, graph.heads + 0.8])
    figure.update_yaxes(title="layer (from 0)", tickvals=list(range(graph.layers)), zeroline=False)
    figure.update_layout(showlegend=False)
    total = float((scores.clean - scores.corrupt).mean())
    shown = (
        f"n = {counted(len(scores.clean), 'pair')}; {len(kept)} of {graph.n_edges} edges of {scores.measure}"
        f" ({total:+.2f} from corrupt to clean); orange raises it, blue lowers it; names on hover"
    )
    return finish(figure, "Circuit", shown, height=220 + 110 * (graph.layers + 1))


def _point(graph: Graph, node: Node) -> Point:
    if node.kind == EMBED:
        return graph.heads / 2, -1.0
    if node.kind == MLP:
        return graph.heads + 0.3 * (node.layer % 2), node.layer + 0.45
    return float(node.index), float(node.layer)


def _ends(graph: Graph, port: Port) -> list[Point]:
    if port.kind == LOGITS:
        return [(graph.heads / 2, float(graph.layers) + 0.2)]
    points = [_point(graph, reader) for reader in graph.readers(port)]
    return [(x + BEND.get(port.kind, 0.0), y) for x, y in points]


def _line(start: Point, end: Point, value: float, largest: float) -> Any:
    share = abs(value) / largest
    return go.Scatter(
        x=[start[0], end[0]],
        y=[start[1], end[1]],
        mode="lines",
        line={"width": 0.6 + 6 * share, "color": UP if value > 0 else DOWN},
        opacity=0.25 + 0.6 * share,
        hoverinfo="skip",
    )


def _middles(graph: Graph, mean: Tensor, kept: list[list[int]]) -> Any:
    """Invisible markers in the middle of edges that show the edges' names on hover."""
    points, words = [], []
    for node, port in kept:
        for x, y in _ends(graph, graph.ports[port]):
            left, below = _point(graph, graph.nodes[node])
            points.append(((x + left) / 2, (y + below) / 2))
            words.append(f"{graph.named(node, port).replace('>', 'to')}: {mean[node, port]:+.2f}")
    return go.Scatter(
        x=[x for x, _ in points],
        y=[y for _, y in points],
        mode="markers",
        marker={"size": 14, "opacity": 0},
        text=words,
        hovertemplate="%{text}<extra></extra>",
    )


def _nodes(scores: "EdgeScores") -> Any:
    graph, values = scores.graph, scores.nodes.mean(0).tolist()
    points = [_point(graph, node) for node in graph.nodes]
    return go.Scatter(
        x=[x for x, _ in points],
        y=[y for _, y in points],
        mode="markers+text",
        text=[str(node) for node in graph.nodes],
        textfont={"size": 10, "color": "#222"},
        marker={
            "size": 34,
            "color": values,
            "colorscale": SIGNED,
            "cmid": 0,
            "line": {"width": 1, "color": CONTROL},
        },
        customdata=values,
        hovertemplate="%{text}: %{customdata:+.2f}<extra></extra>",
    )


def _logits(graph: Graph) -> Any:
    return go.Scatter(
        x=[graph.heads / 2],
        y=[graph.layers + 0.2],
        mode="markers+text",
        text=[LOGITS],
        textfont={"size": 10, "color": "#222"},
        marker={
            "size": 40,
            "color": "#f4f4f4",
            "symbol": "square",
            "line": {"width": 1, "color": CONTROL},
        },
        hoverinfo="skip",
    )


def curves(found: "Curves") -> go.Figure:
    """Faithfulness and completeness by size, compared with random circuits and the range of their draws."""
    figure = go.Figure()
    shares = [size / found.edges for size in found.sizes]
    parts = (
        ("faithfulness", found.faithfulness, found.random_faithfulness, UP, "solid"),
        ("completeness", found.completeness, found.random_completeness, DOWN, "dot"),
    )
    for name, own, random, colour, dash in parts:
        means = random.mean(2)
        middle, low, high = means.mean(0), means.min(0).values, means.max(0).values
        line = {"color": colour, "dash": dash}
        figure.add_scatter(x=shares, y=own.mean(1).tolist(), name=name, line=line)
        figure.add_scatter(
            x=shares,
            y=middle.tolist(),
            name=f"{name}, random",
            line={"color": CONTROL, "dash": dash},
            error_y={
                "type": "data",
                "array": (high - middle).tolist(),
                "arrayminus": (middle - low).tolist(),
            },
        )
    figure.update_xaxes(title="share of edges", type="log")
    figure.update_yaxes(title="share of the metric's difference")
    shown = (
        f"n = {counted(found.faithfulness.shape[1], 'pair')}; {found.edges} edges; random circuits:"
        f" {len(found.random_faithfulness)} draws, bars their range"
    )
    return finish(figure, "What a circuit alone does", shown, height=420)
