"""Fit a direction that can be added or removed, from labelled activations.

Method: fit the probe on one layer's rows, with their questions as groups; the direction is its unit
vector, and its scale is the median norm of those rows, so that strengths mean the same everywhere.
Choose the layer on selection questions, not on the rows that will be reported; this is not checked.
"""

from typing import Any

import torch
from sklearn.base import clone

from interp.activations import Activations
from interp.directions import Direction
from interp.errors import TriggerLensError
from probes.base import LinearProbe


def fit_direction(
    probe: LinearProbe,
    activations: Activations,
    y: Any,
    layer: int,
    *,
    name: str,
    meaning: str,
    source: str,
) -> Direction:
    """The direction from false to true rows at a layer; `meaning` says in words what y is."""
    weights = activations.provenance.get("weights")
    if not weights:
        raise TriggerLensError(
            f"direction {name!r}: the activations do not say which weights made them"
        )
    if activations.site != "resid_post":
        raise TriggerLensError(
            f"direction {name!r}: these activations are {activations.site}, but a direction is of the residual stream;"
            " capture resid_post"
        )
    X = activations.at(layer)
    vector = clone(probe).fit(X, y, activations.questions).unit_vector
    return Direction(
        vector=torch.from_numpy(vector).to(torch.float32),
        layer=layer,
        scale=float(X.float().norm(dim=-1).median()),
        meaning=meaning,
        position=activations.position,
        source=source,
        model_hash=str(weights),
        name=name,
    )
