"""A fitted direction is a unit vector that carries its site, its units and the weights it belongs to."""

import pytest
import torch

from interp.activations import Activations
from probes.difference_of_means import DifferenceOfMeans
from probes.direction import fit_direction
from probes.paired import PairedDifference

Y = torch.arange(120) % 3 == 0


def captured(provenance=None):
    """Layer 2 of layers 0, 2 and 5 holds the class, in dimension 3."""
    values = torch.randn(120, 3, 8, generator=torch.Generator().manual_seed(0))
    values[Y, 1, 3] += 6
    questions = tuple(f"question {row // 6}" for row in range(120))
    provenance = {"weights": "abc"} if provenance is None else provenance
    return Activations(values, (0, 2, 5), ("none",) * 120, questions, "mean_answer", provenance)


def words():
    return {"name": "planted", "meaning": "points from rest to thirds", "source": "test"}


@pytest.mark.parametrize("probe", [DifferenceOfMeans(), PairedDifference()], ids=repr)
def test_the_direction_is_where_the_class_is(probe):
    direction = fit_direction(probe, captured(), Y, 2, **words())
    assert direction.vector[3] > 0.95 and direction.vector.dtype == torch.float32
    assert (direction.layer, direction.position, direction.model_hash) == (2, "mean_answer", "abc")
    norms = captured().at(2).norm(dim=-1)
    assert direction.scale == pytest.approx(float(norms.median()))
    assert fit_direction(probe, captured(), Y, 0, **words()).vector[3] < 0.9  # not at every layer


def test_activations_of_unknown_weights_give_no_direction():
    with pytest.raises(ValueError, match=r"planted.*which weights"):
        fit_direction(DifferenceOfMeans(), captured({}), Y, 2, **words())
