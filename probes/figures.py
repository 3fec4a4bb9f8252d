"""Figures of results: pure functions from a result to a plotly `Figure`. Every `.plot()` of `probes` is one of them.

Every mark has its interval, every figure says how many rows it is based on, and controls are grey.
"""

import html
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from probes.estimate import Estimate
from probes.names import IDENTITY, RANDOM, SHUFFLED, SURFACE
from probes.sweep_rows import ANY, SweepRow

if TYPE_CHECKING:
    from probes.concept import Concept
    from probes.reach import ReachTable
    from probes.sweep_result import SweepResult
    from probes.transfer import TransferTable

COLOURS = ("#009e73", "#d55e00", "#3a8fd0", "#cc79a7", "#e69f00", "#56b4e9")  # Okabe and Ito
CONTROL = "#8c8c8c"
AUROC = {"title": "AUROC, questions held out", "range": [-0.03, 1.03]}


def finish(figure: go.Figure, title: str, shown: str, *, height: int = 420) -> go.Figure:
    """Add a title, a line below it that says what the marks are based on, and room for long labels."""
    words = f"{label(title)}<br><sub>{label(shown)}</sub>"
    figure.update_layout(
        template="plotly_white",
        title={"text": words, "x": 0, "xref": "paper", "font": {"size": 15}},
        height=height,
        margin={"l": 8, "r": 12, "t": 72, "b": 8},
        hoverlabel={"align": "left"},
    )
    figure.update_xaxes(automargin=True)
    figure.update_yaxes(automargin=True)
    return figure


def label(text: object) -> str:
    """Escape untrusted text, because plotly interprets some HTML."""
    return html.escape(str(text), quote=False)


def marks(
    places: Sequence[Any], estimates: Sequence[Estimate], *, along: str = "y", **style: Any
) -> go.Scatter:
    """Estimates with their intervals at these places; `along` is the axis of the estimates."""
    values = [estimate.value for estimate in estimates]
    across = "x" if along == "y" else "y"
    bars = {
        "type": "data",
        "symmetric": False,
        "array": [_side(estimate.upper, estimate.value) for estimate in estimates],
        "arrayminus": [_side(estimate.value, estimate.lower) for estimate in estimates],
        "thickness": 1.5,
    }
    return go.Scatter(
        **{along: values, across: list(places), f"error_{along}": bars},
        text=[label(estimate) for estimate in estimates],
        hovertemplate="%{text}",
        **style,
    )


def _side(high: float | int | None, low: float | int | None) -> float:
    return 0.0 if high is None or low is None else float(high - low)


def sweep(found: "SweepResult") -> go.Figure:
    """AUROC by layer: a line for each probe and position, controls grey."""
    figure, colours = go.Figure(), iter(COLOURS * len(found.rows))
    positions = {row.position for row in found.rows if row.kind == "probe"}
    for name, rows in _series(found.rows, positions):
        control = rows[0].kind == "control"
        colour = CONTROL if control else next(colours)
        figure.add_trace(
            marks(
                [row.layer or 0 for row in rows],
                [row.estimate for row in rows],
                name=label(name),
                mode="lines+markers",
                line={
                    "color": colour,
                    "width": 1.5 if control else 2,
                    "dash": "dot" if control else "solid",
                },
            )
        )
    for row in found.rows:
        if (
            row.layer is None
            and row.read_out in (IDENTITY, SURFACE)
            and row.estimate.value is not None
        ):
            figure.add_hline(
                y=row.estimate.value,
                line={"color": CONTROL, "dash": "dash"},
                annotation_text=row.read_out,
            )
    figure.add_hline(y=0.5, line={"color": CONTROL, "width": 1, "dash": "dot"})
    figure.update_xaxes(title="layer (output of decoder layer, from 0)")
    figure.update_yaxes(**AUROC)
    problem = found.evidence.problem
    first, second = problem.classes
    shown = (
        f"n = {len(problem.y)} rows of {len(set(problem.codes.tolist()))} questions; chosen: "
        f"{found.evidence.best.cell.probe} at {found.evidence.best.cell.place}, AUROC {found.get()}"
    )
    return finish(figure, f"Probes that tell {first} from {second}", shown)


def _series(
    rows: Iterable[SweepRow], positions: set[str | None]
) -> Iterable[tuple[str, list[SweepRow]]]:
    """The lines of a sweep: AUROCs of one read-out at one position, layer by layer."""
    lines: dict[str, list[SweepRow]] = {}
    for row in rows:
        drawn = row.kind == "probe" or (row.kind == "control" and _drawn_control(row.read_out))
        if row.metric != "auroc" or not drawn or row.estimate.value is None:
            continue
        place = f", {row.position}" if len(positions) > 1 else ""
        lines.setdefault(f"{row.read_out}{place}", []).append(row)
    for name, line in lines.items():
        # the control of a choice comes after the layer's own control, which is the one to draw
        first = {row.layer: row for row in reversed(line)}
        yield name, sorted(first.values(), key=lambda row: row.layer or 0)


def _drawn_control(read_out: str) -> bool:
    return read_out == RANDOM or (read_out.endswith(SHUFFLED) and not read_out.startswith(ANY))


def concept(found: "Concept") -> go.Figure:
    """AUROC on unseen wordings and questions, by layer."""
    rows = [row for row in found.rows if row.estimate.value is not None]
    line = marks(
        [row.layer for row in rows],
        [row.estimate for row in rows],
        mode="lines+markers",
        line={"color": COLOURS[0]},
    )
    figure = go.Figure(line)
    figure.add_hline(y=0.5, line={"color": CONTROL, "width": 1, "dash": "dot"})
    figure.update_xaxes(title="layer (output of decoder layer, from 0)")
    figure.update_yaxes(title="AUROC, wordings and questions held out", range=[-0.03, 1.03])
    best = next(row.estimate for row in found.rows if row.layer == found.layer)
    return finish(
        figure, f"The concept on unseen wordings, best at layer {found.layer}", f"AUROC {best}"
    )


def transfer(found: "TransferTable") -> go.Figure:
    """By condition: how often the probe fires, and AUROC against the condition that it was trained against."""
    metrics = list(dict.fromkeys(row.metric for row in found.rows))
    figure = make_subplots(1, len(metrics), shared_yaxes=True, horizontal_spacing=0.04)
    for column, metric in enumerate(metrics, start=1):
        rows = [row for row in found.rows if row.metric == metric]
        points = marks(
            [label(row.condition) for row in rows],
            [row.estimate for row in rows],
            along="x",
            mode="markers",
            marker={"color": COLOURS[column - 1], "size": 9},
            showlegend=False,
        )
        figure.add_trace(points, 1, column)
        title = "share that fires" if metric == "fires" else label(metric)
        figure.update_xaxes(title=title, range=[-0.03, 1.03], col=column)
    figure.update_yaxes(type="category")
    n = sum(row.estimate.n for row in found.rows if row.metric == "fires")
    conditions = len({row.condition for row in found.rows})
    title = f"The probe of layer {found.rows[0].layer} on every wording"
    return finish(figure, title, f"n = {n} rows, questions held out", height=180 + 28 * conditions)


def reach(found: "ReachTable") -> go.Figure:
    """Each quantity against each distance, with the rank correlation above each panel."""
    panels = list(found.correlations)
    heads = [
        f"{label(quantity)}: {_correlation(found.correlations[measure, quantity])}"
        for measure, quantity in panels
    ]
    figure = make_subplots(1, len(panels), subplot_titles=heads, horizontal_spacing=0.08)
    for column, (measure, quantity) in enumerate(panels, start=1):
        rows = [row for row in found.rows if (row.measure, row.quantity) == (measure, quantity)]
        points = marks(
            [row.distance for row in rows],
            [row.estimate for row in rows],
            mode="markers",
            marker={"color": COLOURS[0], "size": 8},
            customdata=[label(row.condition) for row in rows],
            showlegend=False,
        )
        points.hovertemplate = "%{customdata}: %{text}<extra></extra>"
        figure.add_trace(points, 1, column)
        figure.update_xaxes(title=f"distance from the trigger, {label(measure)}", row=1, col=column)
        figure.update_yaxes(title=label(quantity), row=1, col=column)
    figure.update_annotations(font_size=12)
    wordings = len({row.condition for row in found.rows})
    return finish(figure, "How far the trigger reaches", f"n = {wordings} wordings", height=440)


def _correlation(estimate: Estimate) -> str:
    return f"Spearman {label(estimate)}" if estimate.value is not None else "no correlation"
