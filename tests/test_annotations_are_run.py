"""The annotations of `interp/` and `probes/` are executed in the tests, shapes included."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from jaxtyping import Float, TypeCheckError
from run_shapes import names_shape
from torch import Tensor

from interp.directions import unit
from interp.models.chat import with_one_bos
from interp.prompts import Span
from probes.intervals import effective_sample_size, mover_ratio


def test_a_wrong_type_is_caught_in_both_rooms() -> None:
    assert unit(torch.tensor([3.0, 4.0])).tolist() == pytest.approx([0.6, 0.8])
    with pytest.raises(TypeCheckError):
        unit(torch.tensor([3, 4]))
    assert effective_sample_size(np.array([1, 0]), np.array([2, 2]), 0.95) > 0
    with pytest.raises(TypeCheckError):
        effective_sample_size([1, 0], [2, 2], 0.95)  # type: ignore[arg-type]


def test_a_wrong_type_is_caught_where_no_shape_is_named() -> None:
    assert len(Span(1, 3)) == 2
    with pytest.raises(TypeCheckError):
        Span("1", 3)  # type: ignore[arg-type]
    with pytest.raises(TypeCheckError):
        with_one_bos(None, 3)  # type: ignore[arg-type]


def of_shapes(x: Mapping[int, Float[Tensor, " a"]] | None) -> None: ...
def of_a_function(x: Callable[[Float[Tensor, " a"]], int]) -> None: ...
def with_a_shape() -> 'tuple[int, Float[Tensor, " a"]]': ...  # type: ignore[empty-body]
def unreadable(x: "list[Elsewhere]") -> None: ...  # type: ignore[name-defined]  # noqa: F821
def of_types(x: list[Tensor], y: "Later") -> "dict[str, Any]": ...  # type: ignore[empty-body]


class Later: ...


def test_a_shape_is_found_wherever_it_stands_in_an_annotation() -> None:
    assert all(map(names_shape, (of_shapes, of_a_function, with_a_shape, unreadable)))
    assert not names_shape(of_types)


def test_an_int_will_do_where_a_float_is_asked() -> None:
    with_ints = mover_ratio(1, (0, 1), 2, (1, 3))
    assert with_ints == mover_ratio(1.0, (0.0, 1.0), 2.0, (1.0, 3.0))
