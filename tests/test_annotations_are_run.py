"""The annotations of `interp/` and `probes/` are executed in the tests, shapes included."""

import numpy as np
import pytest
import torch
from jaxtyping import TypeCheckError

from interp.directions import unit
from probes.intervals import effective_sample_size, mover_ratio


def test_a_wrong_type_is_caught_in_both_rooms() -> None:
    assert unit(torch.tensor([3.0, 4.0])).tolist() == pytest.approx([0.6, 0.8])
    with pytest.raises(TypeCheckError):
        unit(torch.tensor([3, 4]))
    assert effective_sample_size(np.array([1, 0]), np.array([2, 2]), 0.95) > 0
    with pytest.raises(TypeCheckError):
        effective_sample_size([1, 0], [2, 2], 0.95)  # type: ignore[arg-type]


def test_an_int_will_do_where_a_float_is_asked() -> None:
    with_ints = mover_ratio(1, (0, 1), 2, (1, 3))
    assert with_ints == mover_ratio(1.0, (0.0, 1.0), 2.0, (1.0, 3.0))
