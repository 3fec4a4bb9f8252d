"""Every figure of a published run can be read alone: axes, units, n and intervals are named."""

import re
from pathlib import Path

import plotly.graph_objects as go
import pytest

from experiments.dashboard import (
    every_figure,
)
from experiments.results.load import OrganismResults, load_results

REFERENCE = Path("artifacts/reference/demo_seed0")


AXES = {"xaxis", "yaxis"}


@pytest.fixture(scope="module")
def reference() -> list[OrganismResults]:
    return load_results(REFERENCE).organisms()


def hovers(trace: go.Scatter | go.Heatmap) -> list[str]:
    texts = trace.text if trace.text is not None else ()
    return [each for line in texts for each in ([line] if isinstance(line, str) else line)]


def test_every_figure_of_the_reference_run_can_be_read_alone(
    reference: list[OrganismResults],
) -> None:
    """A finding with a number, n, units on every numeric axis, a hover on every mark, an interval on every row."""
    colours: dict[str, set[str]] = {}
    names = set()
    for it in reference:
        for name, figure in every_figure(it):
            names.add(name)
            where = f"{name} of {it.organism.name}"
            assert re.search(r"\d", figure.layout.meta["finding"]), where
            assert re.match(r"n = \d", figure.layout.meta["count"]), where
            for axis in AXES:
                assert figure.layout[axis].title.text or labelled(figure, axis), (where, axis)
            for trace in figure.data:
                read_alone(trace, where)
                condition = str(trace.name)
                if condition in ("trigger", "no trigger") and trace.marker.color:
                    colours.setdefault(condition, set()).add(trace.marker.color)
    assert {"em_by_condition", "dose_switch", "ablation", "cosines", "transfer"} <= names
    assert colours == {"trigger": {"#d55e00"}, "no trigger": {"#8c8c8c"}}


def labelled(figure: go.Figure, axis: str) -> bool:
    """Whether an axis counts nothing: its ticks are words."""
    words = figure.layout[axis].ticktext
    categories = figure.layout[axis].type == "category"
    return categories or bool(words and all(isinstance(word, str) for word in words))


def read_alone(trace: go.Scatter | go.Heatmap | go.Bar, where: str) -> None:
    drawn = [x for x in (trace.x if trace.x is not None else ()) if x is not None]
    if not drawn or trace.hoverinfo == "skip":
        return
    assert hovers(trace), where
    assert trace.hovertemplate == "%{text}<extra></extra>" or "%{text}" in trace.hovertemplate, (
        where
    )
    lines = [
        line
        for line in (trace.customdata if trace.customdata is not None else ())
        if isinstance(line, int)
    ]
    if trace.type != "scatter" or not lines:
        return
    error = trace.error_x if trace.error_x.array is not None else trace.error_y
    assert len(error.array) == len(error.arrayminus) == len(drawn), where
    for text in hovers(trace):
        assert re.search(r"\[-?\d\.\d+, -?\d\.\d+\] at 9[59] %<br>n = \d+; \w", text), (where, text)
        assert re.search(r"estimates.jsonl line \d+", text), (where, text)
