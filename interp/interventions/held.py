"""The values of an intervention: vectors, subspaces and strengths as callers give them, checked once, read as tensors.

Tensors, NumPy arrays, lists of numbers and `Direction`s are accepted, one for all layers or a mapping by layer. Arrays
and lists are copied into tensors; tensors are not copied, so that they can be trained; a `Direction` is kept whole, so
that it can be checked against the model that it is used on.
"""

from collections.abc import Iterable, Mapping, Sequence
from numbers import Number
from typing import Any

import numpy as np
import torch
from torch import Tensor

from interp.directions import Direction
from interp.errors import TriggerLensError

Given = Tensor | np.ndarray | Sequence[Any] | Direction  # a vector or several, as callers give them
Strength = Tensor | np.ndarray | np.generic | Sequence[Any] | float | int
SHAPES = {  # by the number of axes if each prompt has its own
    1: "a number, or one for each prompt",
    2: "a vector [d_model], or one for each prompt [prompt, d_model]",
    3: "rows [rank, d_model], or a set for each prompt [prompt, rank, d_model]",
}


def held(value: Any, axes: int, name: str) -> Any:
    """The checked value: a Direction, a tensor, or a mapping of these by layer.

    `axes` is the number of axes if each prompt has its own value, `name` the value's name in messages ("Add.vector").
    Raises ValueError for values that are not numbers, not finite, or of another shape.
    """
    if value is None:
        raise TriggerLensError(f"{name} is None; give {SHAPES[axes]}")
    if axes == 1 and isinstance(value, Number) and not isinstance(value, bool):
        _check_finite(torch.as_tensor(value), name)
        return value.item() if isinstance(value, np.generic) else value
    if isinstance(value, Mapping):
        return {at: held(one, axes, f"{name}[{at!r}]") for at, one in value.items()}
    directions = as_directions(value)
    if directions and axes > 1 and (axes > 2 or len(directions) == 1):
        return directions if axes > 2 else directions[0]
    tensor = _as_tensor(value, axes, name)
    if tensor.ndim not in (axes - 1, axes) or (axes > 1 and 0 in tensor.shape):
        raise TriggerLensError(f"{name} has shape {list(tensor.shape)}; give {SHAPES[axes]}")
    _check_finite(tensor, name)
    return tensor


def _check_finite(tensor: Tensor, name: str) -> None:
    broken = int((~tensor.isfinite()).sum())
    if broken:
        raise TriggerLensError(
            f"{name}: {broken} of {tensor.numel()} numbers are NaN or infinite; compute it again in float32"
        )


def as_directions(value: Any) -> tuple[Direction, ...]:
    """The directions that a value consists of; none if it is something else."""
    if isinstance(value, Direction):
        return (value,)
    listed = isinstance(value, list | tuple) and len(value) > 0
    return tuple(value) if listed and all(isinstance(one, Direction) for one in value) else ()


def tensors(value: Any) -> list[Tensor]:
    """All tensors of a value that is shared by all layers or given by layer."""
    return [tensor_of(one) for one in _by_layer(value) if not isinstance(one, Number)]


def directions(value: Any) -> list[Direction]:
    """All directions of such a value."""
    return [direction for one in _by_layer(value) for direction in as_directions(one)]


def tensor_of(value: Any) -> Tensor:
    """A held value as numbers; several directions as rows."""
    if isinstance(value, Direction):
        return value.vector
    return torch.stack([one.vector for one in value]) if isinstance(value, tuple) else value


def at_layer(value: Any, layer: int) -> Tensor:
    """The value, or the layer's own if it is given by layer."""
    return tensor_of(value[layer] if isinstance(value, Mapping) else value)


def _by_layer(value: Any) -> Iterable[Any]:
    if value is None:
        return []
    return value.values() if isinstance(value, Mapping) else [value]


def _as_tensor(value: Any, axes: int, name: str) -> Tensor:
    try:
        tensor = value if isinstance(value, Tensor) else _copied(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TriggerLensError(
            f"{name} is {type(value).__name__} {value!r:.60}, not numbers; give {SHAPES[axes]}"
        ) from error
    if tensor.dtype == torch.bool or tensor.is_complex():
        raise TriggerLensError(f"{name} holds {tensor.dtype}; give real numbers")
    return tensor if tensor.is_floating_point() or axes == 1 else tensor.float()


def _copied(value: Any) -> Tensor:
    """A new tensor from an array, a list or a list of tensors."""
    if isinstance(value, list | tuple) and any(isinstance(one, Tensor) for one in value):
        return torch.stack([torch.as_tensor(one) for one in value])
    array = np.array(value)
    return torch.from_numpy(array) if array.dtype.kind in "biuf" else _refused(array)


def _refused(array: np.ndarray) -> Tensor:
    raise TypeError(f"no numbers: {array.dtype}")
