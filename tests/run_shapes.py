"""The checker that runs the annotations of `interp/` and `probes/` while the tests run.

Beartype, with the rule that every type checker follows (PEP 484): an int will do where a float is asked.

jaxtyping's wrapper binds the arguments of every call, to remember what the names of axes stand for. Where a signature
names no shape there is nothing to remember, and beartype alone checks the same types: `conftest.py` puts `checked` in
the place of `jaxtyping.jaxtyped`. In the tests of a whole study seven calls in ten are such.
"""

import dataclasses
import inspect
from functools import partial
from types import FunctionType
from typing import Any, get_args

from beartype import BeartypeConf, beartype
from jaxtyping import AbstractArray, TypeCheckError, jaxtyped

typechecked = beartype(conf=BeartypeConf(is_pep484_tower=True, violation_type=TypeCheckError))


def checked(thing: Any = None, *, typechecker: Any) -> Any:
    """In the place of `jaxtyping.jaxtyped`: its wrapper around what names a shape, the type checker around the rest."""
    if thing is None:
        return partial(checked, typechecker=typechecker)
    function = thing.__init__ if dataclasses.is_dataclass(thing) else thing
    if not isinstance(function, FunctionType) or names_shape(function):
        return jaxtyped(thing, typechecker=typechecker)
    plain = function if getattr(function, "__no_type_check__", False) else typechecker(function)
    if function is thing:
        return plain
    thing.__init__ = plain
    return thing


def names_shape(function: FunctionType) -> bool:
    """Whether an annotation of the function holds a shape, or is a text that cannot be read yet and may hold one."""
    return any(_holds_shape(each, function) for each in function.__annotations__.values())


def _holds_shape(annotation: Any, function: FunctionType) -> bool:
    if isinstance(annotation, str):
        try:
            annotation = eval(annotation, function.__globals__)
        except (
            NameError
        ):  # a class further down in its module, or one that only type checkers import
            return True
    if isinstance(annotation, list):  # the arguments of a Callable
        return any(_holds_shape(each, function) for each in annotation)
    if inspect.isclass(annotation) and issubclass(annotation, AbstractArray):
        return True
    return any(_holds_shape(each, function) for each in get_args(annotation))
