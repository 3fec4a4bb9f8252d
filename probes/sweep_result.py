"""What a sweep found: a tidy table, a choice, and a report in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone

from interp.activations import Activations
from interp.directions import Direction
from interp.errors import TriggerLensError
from probes.base import LinearProbe
from probes.estimate import Estimate
from probes.report import sentences
from probes.sweep_rows import ANY, Evidence, SweepRow
from probes.tidy import frame

if TYPE_CHECKING:
    import pandas
    import plotly.graph_objects


@dataclass(frozen=True, eq=False)
class SweepResult:
    """The rows of a sweep; printing it gives the report."""

    rows: tuple[SweepRow, ...]
    evidence: Evidence
    probes: Mapping[str, Any]
    activations: Any = None  # what was swept

    @property
    def layer(self) -> int | None:
        """The layer that most folds chose; choose on selection questions, report on others."""
        return self.evidence.best.cell.place.layer

    @property
    def position(self) -> str | None:
        """The position that most folds chose."""
        return self.evidence.best.cell.place.position

    @property
    def probe(self) -> Any:
        """The probe that most folds chose, unfitted, at its strength."""
        cell = self.evidence.best.cell
        found = clone(self.probes[cell.probe])
        knob = getattr(found, "knob", None)
        return found.set_params(**{knob: cell.strength}) if knob else found

    @property
    def direction(self) -> Direction:
        """The chosen probe's direction at the chosen layer, fitted on all rows; from the first class to the second.

        Choose on selection questions: what the direction does on these rows is not evidence. ValueError if bare
        arrays were swept, or the chosen probe is not linear.
        """
        several = isinstance(self.activations, Mapping)
        rows = self.activations.get(self.position) if several else self.activations
        if not isinstance(rows, Activations):
            raise TriggerLensError(
                "these rows do not say which model made them, so they give no direction; sweep Activations, or take"
                " result.probe.fit(X, y).unit_vector"
            )
        probe, problem = self.probe, self.evidence.problem
        if not isinstance(probe, LinearProbe):
            raise TriggerLensError(
                f"{probe!r} was chosen, which has no direction; sweep linear probes"
            )
        labels = np.array(problem.classes)[problem.y.astype(int)]
        return probe.fit(rows, labels, problem.codes, layer=self.layer).direction

    def plot(self) -> "plotly.graph_objects.Figure":
        """AUROC by layer with intervals and controls."""
        from probes.figures import sweep

        return sweep(self)

    def get(self, metric: str = "auroc", read_out: str = ANY, layer: int | None = None) -> Estimate:
        """One estimate: of the choice, or, with `layer`, of a probe at that layer."""
        for row in self.rows:
            asked = (
                row.layer == layer and row.kind != "choice"
                if layer is not None
                else row.kind != "probe"
            )
            if (row.metric, row.read_out) == (metric, read_out) and asked:
                return row.estimate
        known = sorted({row.read_out for row in self.rows if row.metric == metric})
        raise TriggerLensError(f"no {metric} of {read_out!r} at layer {layer}; there are {known}")

    def frame(self) -> "pandas.DataFrame":
        """The rows as a data frame, one column for each part of an estimate."""
        return frame(self.rows)

    def report(self) -> str:
        """What the numbers say, in words."""
        return "\n".join(sentences(self.evidence, self.rows))

    def __str__(self) -> str:
        return self.report()
