"""Coordinates in a subspace swapped between prompts: the claimed subspace and its controls."""

from collections.abc import Sequence

import plotly.graph_objects as go

from experiments.dashboard.interval_plot import interval_plot
from experiments.dashboard.marks import Series
from experiments.dashboard.missing import Missing
from experiments.dashboard.rows import measured
from experiments.dashboard.theme import CONDITION_COLOURS, EM_AXIS, OTHER
from experiments.results.columns import INTACT
from experiments.results.estimates import EstimateRow
from experiments.results.format import percent
from experiments.results.interchange_text import BRINGS, KINDS, RATE, TAKES, claimed_site
from experiments.results.load import OrganismResults

NOTHING = "nothing swapped"
INTO_NONE, INTO_TRIGGER = (
    "no wording, the trigger's coordinates",
    "the trigger, coordinates of no wording",
)


def interchange(results: OrganismResults) -> go.Figure | Missing:
    """A line for each subspace, a mark for each direction of the swap; the intact organism is at the top."""
    rows = measured(results.rows, quantity=RATE)
    swaps = [row for row in rows if row.as_edit != INTACT]
    if not swaps:
        return Missing("no interchange of coordinates")
    intact = [row for row in rows if row.as_edit == INTACT]
    into_none = [
        *(row for row in intact if row.wording_kind == "none"),
        *(row for row in swaps if (row.wording_kind, row.source) == ("none", "trigger")),
    ]
    into_trigger = [
        *(row for row in intact if row.wording_kind == "trigger"),
        *(row for row in swaps if (row.wording_kind, row.source) == ("trigger", "none")),
    ]
    shown, site = [*into_none, *into_trigger], claimed_site(results.rows)

    def words(row: EstimateRow) -> str:
        return NOTHING if row.as_edit == INTACT else _words(row, site)

    return interval_plot(
        [
            Series(into_none, OTHER, "circle", INTO_NONE, 0),
            Series(into_trigger, CONDITION_COLOURS["trigger"], "diamond", INTO_TRIGGER, 1),
        ],
        words,
        EM_AXIS,
        labels=list(dict.fromkeys(map(words, shown))),
        finding=_finding(results.rows),
        shown=shown,
    )


def _words(row: EstimateRow, site: tuple[int | None, float]) -> str:
    """What the subspace was trained for; its layer and rank if they differ from the claimed one's."""
    layer, rank = site
    place = [f"rank {row.strength:g}"] if row.strength != rank else []
    place += [f"after layer {row.layer}"] if row.layer != layer else []
    return f"... {', '.join(place)}" if place else KINDS[row.placebo]


def _finding(rows: Sequence[EstimateRow]) -> str:
    """The EM that swaps in the claimed subspace cause and remove; the same for one trained for a control's wording."""
    layer, rank = claimed_site(rows)
    at = {"layer": layer, "strength": rank}
    brought, control = (
        measured(rows, quantity=BRINGS, source="trigger", placebo=placebo, **at)[:1]
        for placebo in (None, "other_variable")
    )
    taken = measured(rows, quantity=TAKES, source="none", condition="trigger", placebo=None, **at)
    words = [f"causes {percent(row)} of the trigger's EM" for row in brought]
    words += [f"removes {percent(row)}" for row in taken[:1]]
    beside = [
        f"; a subspace trained for a control's wording causes {percent(row)}" for row in control
    ]
    dimensions = f"{rank:g} dimension{'s' if rank != 1 else ''}"
    effect = " and ".join(words) or "was not measured"
    return f"Swapping {dimensions} of the header after layer {layer} {effect}{''.join(beside)}"
