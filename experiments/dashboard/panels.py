"""One organism's part of a section: a figure, a table, a card, or the reason why there is none.

The panels of a section are side by side in a grid; the browser shows those of the chosen organism. Panels that no
organism of the page has become one line with the command that measures them.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from experiments.dashboard.missing import NOT_OF_THIS_WORLD, Missing
from experiments.dashboard.mixing_map import mixing_map
from experiments.dashboard.sections import Draw, Section, Tabulate
from experiments.dashboard.tables import Table
from experiments.dashboard.verdicts import Card, Names
from experiments.results.estimates import EstimateRow
from experiments.results.load import OrganismResults

TITLE_ROOM = 58  # pixels that a figure keeps for its title; the page shows it as text that wraps
SEVERAL = -1  # stands for the run of a figure over all runs
MIXING = (
    "Every dot is an organism with its interval; lines join the means over seeds. The share of benign rows is that of "
    "all rows on which the organism was fine-tuned."
)


@dataclass(frozen=True)
class Drawing:
    """A figure's place on the page; `small` says what it shows, `number` is its index among the packed figures."""

    name: str
    number: int
    small: str
    finding: str
    count: str
    height: int


@dataclass(frozen=True)
class Panel:
    """The content for one organism; `examples` is the index of its packed examples of features."""

    row: str
    seed: int | None
    family: str | None
    name: str
    drawing: Drawing | None = None
    table: Table | None = None
    card: Card | None = None
    examples: int = 0
    missing: str = ""


@dataclass(frozen=True)
class SectionView:
    """A section for the template; `reasons` says what is missing for all organisms."""

    id: str
    short: str
    title: str
    text: str
    grids: Sequence[Sequence[Panel]] = ()
    reasons: str = ""
    made_by: str = ""
    drawing: Drawing | None = None


class Builder:
    """Builds the sections of a page, and collects the data for the browser."""

    def __init__(
        self, names: Names, organisms: Sequence[OrganismResults], runs: Sequence[str]
    ) -> None:
        self.names, self.organisms, self.places = names, organisms, list(runs)
        self.figures: list[dict[str, Any]] = []
        self.runs: list[int] = []  # for each figure, the index of its run
        self.examples: list[list[dict[str, Any]]] = []

    def section(self, section: Section) -> SectionView:
        """Heading, a note on how to read it, a grid for each figure or table, and what is missing."""
        rows = [self.panels(self._tabled(table)) for table in section.tables]
        rows += [self.panels(self._drawn(name, draw)) for name, draw in section.figures.items()]
        grids = [row for row in rows if not all(panel.missing for panel in row)]
        reasons = dict.fromkeys(panel.missing for row in rows if row not in grids for panel in row)
        reasons.pop(NOT_OF_THIS_WORLD.reason, None)
        return SectionView(
            section.id,
            section.short,
            section.title,
            section.text,
            grids,
            "; ".join(reasons),
            section.made_by,
        )

    def mixing(self, rows: Sequence[EstimateRow]) -> SectionView | None:
        """One figure over all runs of the page; None if no organism was mixed by ratio."""
        figure = mixing_map(rows)
        if isinstance(figure, Missing):
            return None
        run = 0 if len(self.places) == 1 else SEVERAL
        drawing = self._drawing("mixing_map", figure, "all organisms mixed by ratio", run)
        title = "Containment by share of benign rows"
        return SectionView("mixing", "Mixing", title, MIXING, drawing=drawing)

    def panels(self, content: Callable[[OrganismResults], dict[str, Any]]) -> list[Panel]:
        """A panel for each organism."""
        return [
            Panel(
                self.names[of.organism],
                of.organism.seed,
                of.organism.family,
                of.organism.name,
                **content(of),
            )
            for of in self.organisms
        ]

    def _drawn(self, name: str, draw: Draw) -> Callable[[OrganismResults], dict[str, Any]]:
        def content(of: OrganismResults) -> dict[str, Any]:
            figure = draw(of)
            if isinstance(figure, Missing):
                return {"missing": figure.reason}
            run = self.places.index(of.organism.run)
            return {"drawing": self._drawing(name, figure, of.organism.name, run)}

        return content

    def _tabled(self, tabulate: Tabulate) -> Callable[[OrganismResults], dict[str, Any]]:
        def content(of: OrganismResults) -> dict[str, Any]:
            table = tabulate(of)
            if isinstance(table, Missing):
                return {"missing": table.reason}
            self.examples.append(table.examples)
            return {"table": table, "examples": len(self.examples) - 1}

        return content

    def _drawing(self, name: str, figure: go.Figure, small: str, run: int) -> Drawing:
        meta = figure.layout.meta
        height = int(figure.layout.height) - TITLE_ROOM
        self.figures.append(_plain(figure, height))
        self.runs.append(run)
        return Drawing(name, len(self.figures) - 1, small, meta["finding"], meta["count"], height)


def _plain(figure: go.Figure, height: int) -> dict[str, Any]:
    """A figure as plain data, without the parts that all figures of the page share."""
    plain = json.loads(figure.to_json())
    for key in ("template", "title", "meta"):
        plain["layout"].pop(key, None)
    plain["layout"]["margin"]["t"] = 12
    plain["layout"]["height"] = height
    return plain
