from dataclasses import replace

import pytest
import torch

from interp.directions import Direction, random_like, unit
from interp.interventions import Add


@pytest.fixture
def direction():
    vector = unit(torch.arange(1.0, 33.0))
    return Direction(
        vector, 1, 4.0, "points from none to trigger", "mean", "means", "abc", "switch"
    )


def test_a_direction_comes_back_from_disk_for_its_own_model_only(direction, tmp_path):
    direction.save(tmp_path / "switch")
    loaded = Direction.load(tmp_path / "switch", model_hash="abc")
    assert torch.equal(loaded.vector, direction.vector)
    assert (loaded.layer, loaded.scale, loaded.meaning) == (1, 4.0, direction.meaning)
    with pytest.raises(ValueError, match="fitted to weights abc, but this model has def"):
        Direction.load(tmp_path / "switch", model_hash="def")


def test_a_direction_has_norm_one_and_a_unit(direction):
    with pytest.raises(ValueError, match="'switch' has norm 2"):
        replace(direction, vector=direction.vector * 2)
    with pytest.raises(ValueError, match="scale 0"):
        replace(direction, scale=0.0)
    with pytest.raises(ValueError, match="zero vector"):
        unit(torch.zeros(4))


def test_random_directions_are_unit_vectors_fixed_by_their_seed(direction):
    random = random_like(direction, 200, seed=0)
    torch.testing.assert_close(random.norm(dim=-1), torch.ones(200))
    assert torch.equal(random, random_like(direction, 200, seed=0))
    assert not torch.equal(random, random_like(direction, 200, seed=1))
    cosines = random @ direction.vector
    assert cosines.abs().mean() < 0.25 and cosines.mean().abs() < 0.05  # no preferred side


def test_steering_strength_counts_median_norms(direction):
    add = Add.from_direction(direction, 0.5)
    assert (add.alpha, add.layers) == (2.0, (1,))
