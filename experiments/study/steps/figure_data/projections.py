"""Where prompts lie along a located direction, and in the plane of their first two principal components.

Projections are read at the last prompt token, at the direction's layer, in multiples of the direction's scale (the
median residual norm there). The plane is that of the first two principal components of all prompts at one layer. The
sign of each axis is such that its coordinate of largest magnitude is positive.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from experiments.results.columns import wording_columns
from experiments.results.facts import FactWriter
from experiments.study.steps.common import Located, site
from interp.activations import Activations

DIGITS = 4  # of numbers that are drawn


def projections(located: Sequence[Located], activations: Activations) -> list[dict[str, Any]]:
    """For each direction that was removed: projections by condition."""
    return [
        {
            **site(each.removed),
            "read_at": activations.position,
            "values": {
                condition: _rounded(values)
                for condition, values in _by_condition(activations, _along(activations, each))
            },
        }
        for each in located
    ]


def write_projections(
    facts: FactWriter, located: Sequence[Located], activations: Activations
) -> None:
    """The projection of every prompt, by condition."""
    for each in located:
        for condition, values in _by_condition(activations, _along(activations, each)):
            rows = [i for i, name in enumerate(activations.conditions) if name == condition]
            facts.values(
                "projection",
                values,
                [activations.questions[row] for row in rows],
                read_at=activations.position,
                **wording_columns(condition),
                **site(each.removed),
            )


def plane(activations: Activations, layer: int) -> dict[str, Any]:
    """Coordinates in the plane of the first two principal components, and each one's share of the variance."""
    x = activations.at(layer).double()
    centred = x - x.mean(0)
    _, singular, axes = torch.linalg.svd(centred, full_matrices=False)
    points = centred @ axes[:2].T
    largest = points.abs().argmax(0)
    points = points * points[largest, torch.arange(points.shape[1])].sign()
    variance = singular.square()
    return {
        "layer": layer,
        "read_at": activations.position,
        "shares": _rounded(variance[:2] / variance.sum()),
        "points": {
            condition: [_rounded(row) for row in values]
            for condition, values in _by_condition(activations, points)
        },
    }


def _along(activations: Activations, located: Located) -> Float[Tensor, " row"]:
    direction = located.removed
    values = activations.at(direction.layer).float()
    return values @ direction.vector.to(values) / direction.scale


def _by_condition(activations: Activations, values: Tensor) -> Iterator[tuple[str, Tensor]]:
    for condition in dict.fromkeys(activations.conditions):
        rows = [i for i, name in enumerate(activations.conditions) if name == condition]
        yield condition, values[rows].cpu()


def _rounded(values: Tensor) -> list[float]:
    return [float(f"{value:.{DIGITS}g}") for value in values.tolist()]
