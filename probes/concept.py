"""Find the direction that carries a trigger's concept, not its wording (the `switch` direction).

Method:
1. Rows are inside (the trigger and its paraphrases) or outside (controls and no trigger).
2. Each wording fold leaves out one paraphrase and one control, each question fold its questions: a layer's AUROC comes
   from rows whose wording and question the probe has not seen. A probe that only reads the wording cannot score well.
3. The layer with the best such AUROC is kept; its direction is fitted on all rows.
4. `projections`: where each condition lies between no trigger (0) and the trigger (1), along a direction fitted
   without that condition and without the row's question.

It does not show whether the model uses the direction (ablate it). And the best of many layers is an optimistic number:
choose on selection questions, report on others.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone

from interp.activations import Activations
from interp.directions import Direction
from interp.errors import TriggerLensError
from interp.io.validation import check_count
from probes.arrays import as_array
from probes.auroc import clustered_auroc
from probes.direction import fit_direction
from probes.estimate import Estimate, mean
from probes.groups import group_codes
from probes.paired import PairedDifference
from probes.splits import deal
from probes.tidy import frame

if TYPE_CHECKING:
    import pandas
    import plotly.graph_objects

Inside = Callable[[str], bool]
NONE, TRIGGER = "none", "trigger"
MEANING = "points from controls and no trigger to the trigger and its paraphrases"


@dataclass(frozen=True)
class LayerRow:
    """How well a probe separates unseen wordings at one layer."""

    layer: int
    estimate: Estimate


@dataclass(frozen=True)
class Concept:
    """What the search found: every layer's AUROC, the best layer, and its direction."""

    rows: tuple[LayerRow, ...]
    layer: int
    direction: Direction

    def plot(self) -> "plotly.graph_objects.Figure":
        """AUROC on unseen wordings by layer, with intervals."""
        from probes.figures import concept

        return concept(self)

    def frame(self) -> "pandas.DataFrame":
        """One line for each layer."""
        return frame(self.rows)


def by_name(condition: str) -> bool:
    """Inside are `trigger` and every `paraphrase:NAME`."""
    return condition == TRIGGER or condition.startswith("paraphrase:")


def find_concept(
    activations: Activations,
    *,
    inside: Inside = by_name,
    probe: Any = None,
    folds: int = 5,
    seed: int = 0,
    name: str = "switch",
) -> Concept:
    """The direction and the layer that tell inside from outside conditions, on unseen wordings.

    Conditions named `variant:...` are left out. Raises ValueError without two inside and two outside conditions, or
    with fewer questions than folds.
    """
    kept = activations.where([not c.startswith("variant:") for c in activations.conditions])
    probe = PairedDifference() if probe is None else probe
    y = np.array([inside(condition) for condition in kept.conditions])
    rows = tuple(
        LayerRow(layer, _unseen(probe, kept, layer, y, folds, seed)) for layer in kept.layers
    )
    best = max(rows, key=lambda row: (row.estimate.value or 0.0, -row.layer)).layer
    direction = fit_direction(
        probe, kept, y, best, name=name, meaning=MEANING, source=f"{probe!r}, unseen wordings"
    )
    return Concept(rows, best, direction)


def projections(
    activations: Activations,
    layer: int,
    *,
    inside: Inside = by_name,
    probe: Any = None,
    folds: int = 5,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Mean projection of each condition: 0 is no trigger, 1 is the trigger."""
    probe = PairedDifference() if probe is None else probe
    conditions = np.array(activations.conditions)
    for end in (NONE, TRIGGER):
        if end not in activations.conditions:
            known = ", ".join(sorted(set(activations.conditions)))
            raise TriggerLensError(
                f"no rows of condition {end!r}, only {known}: 0 is none, 1 is trigger"
            )
    codes, of_row = _folds(activations, folds, seed)
    X, y = as_array(activations.at(layer)), np.array([inside(c) for c in conditions])
    found = {}
    for name in sorted(set(activations.conditions)):
        values = np.full(len(X), np.nan)
        for fold in range(folds):
            train = of_row != fold
            fitted = train & (conditions != name) & ~np.char.startswith(conditions, "variant:")
            vector = clone(probe).fit(X[fitted], y[fitted], codes[fitted]).unit_vector
            low, high = (
                (X[train & (conditions == end)] @ vector).mean() for end in (NONE, TRIGGER)
            )
            mine = ~train & (conditions == name)
            values[mine] = (X[mine] @ vector - low) / (high - low)
        mine = conditions == name
        found[name] = mean(values[mine], codes[mine], seed=seed)
    return found


def _unseen(
    probe: Any, activations: Activations, layer: int, y: np.ndarray, folds: int, seed: int
) -> Estimate:
    conditions, X = np.array(activations.conditions), as_array(activations.at(layer))
    codes, of_row = _folds(activations, folds, seed)
    scores, labels, questions, dealt, wordings = [], [], [], [], []
    for number, left_out in enumerate(_wordings(conditions, y)):
        seen = ~np.isin(conditions, left_out)
        for fold in range(folds):
            train, test = seen & (of_row != fold), ~seen & (of_row == fold)
            model = clone(probe).fit(X[train], y[train], codes[train])
            scores.append(model.decision_function(X[test]))
            labels.append(y[test])
            questions.append(codes[test])
            wordings.append(conditions[test])
            dealt.append(np.full(int(test.sum()), number * folds + fold))
    joined = [np.concatenate(column) for column in (scores, labels, questions, wordings, dealt)]
    return clustered_auroc(*joined[:3], wordings=joined[3], folds=joined[4])


def _wordings(conditions: np.ndarray, y: np.ndarray) -> Iterator[tuple[str, str]]:
    """(inside, outside) pairs to leave out; every paraphrase and every control at least once."""
    within = sorted(set(conditions[y].tolist()) - {TRIGGER})
    without = sorted(set(conditions[~y].tolist()) - {NONE})
    if len(set(conditions[y])) < 2 or len(set(conditions[~y])) < 2 or not within or not without:
        raise TriggerLensError(
            f"inside {within}, outside {without}, besides {TRIGGER!r} and {NONE!r}: a wording "
            "can only be left out if there are two on each side; add a paraphrase or a control"
        )
    for number in range(max(len(within), len(without))):
        yield within[number % len(within)], without[number % len(without)]


def _folds(activations: Activations, folds: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    codes, names = group_codes(activations.questions)
    check_count("folds", folds, 2)
    if len(names) < folds:
        raise TriggerLensError(
            f"{len(names)} questions for {folds} folds: give more, or ask for fewer"
        )
    return codes, deal(np.ones(len(codes), bool), codes, folds, seed)
