"""Checks before a probe is fitted, with one-line errors: rows must be finite, and labels must be two classes.

scikit-learn's estimator checks require some of the wording.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d

from interp.errors import TriggerLensError

SHOWN = 3  # labels or classes that a message names


def check_finite(X: Float[np.ndarray, "row feature"], place: str, row_name: str = "row") -> None:
    """Raise on the first value that is NaN or infinite, with its place, row and feature."""
    bad = ~np.isfinite(X)
    if not bad.any():
        return
    row, feature = (int(each) for each in np.argwhere(bad)[0])
    value = float(X[row, feature])
    named = "NaN" if math.isnan(value) else str(value)
    hit = int(bad.any(axis=1).sum())
    raise TriggerLensError(
        f"{place}: {row_name} {row}, feature {feature} is {named} (of {len(X)} {row_name}s {hit} hold such values); "
        f"drop the {row_name} or capture it again"
    )


def one_label_each(y: Any, rows: int) -> np.ndarray:
    """Labels [row] as an array; a column is accepted with scikit-learn's warning, anything else is refused."""
    if y is None:
        raise TriggerLensError(
            "a fit requires y to be passed, but the target y is None: give one label for each row"
        )
    labels = _as_labels(y)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = column_or_1d(labels, warn=True)
    if labels.ndim != 1:
        raise TriggerLensError(f"labels {labels.shape}: give one label for each row, [row]")
    if len(labels) != rows:
        raise TriggerLensError(f"{len(labels)} labels but {rows} rows: give each row its label")
    return labels


def classes_of(y: np.ndarray) -> tuple[np.ndarray, Int[np.ndarray, " row"]]:
    """The classes in order, and the number of each row's class; ValueError if the labels are not classes."""
    _check_known(y)
    try:
        check_classification_targets(y)
        return np.unique(y, return_inverse=True)
    except (TypeError, ValueError) as error:  # continuous numbers, or types that cannot be sorted
        raise TriggerLensError(
            f"Unknown label type: {_shown(y[:SHOWN].tolist(), len(y))} of type {y.dtype} are not classes; "
            "give one of two classes for each row, such as True and False"
        ) from error


def two_classes(y: Any, rows: int | None = None) -> tuple[np.ndarray, Bool[np.ndarray, " row"]]:
    """The two classes in order, and which rows are of the second; anything but two is refused."""
    labels = _as_labels(y)
    if labels.ndim != 1 or len(labels) == 0:
        raise TriggerLensError(f"labels {labels.shape}: give one label for each row, [row]")
    labels = one_label_each(labels, len(labels) if rows is None else rows)
    classes, codes = classes_of(labels)
    if len(classes) > 2:
        raise TriggerLensError(
            f"Only binary classification is supported. The type of the target is {type_of_target(labels)}: "
            f"{len(classes)} classes, {_shown(classes[:SHOWN].tolist(), len(classes))}; keep the rows of two"
        )
    if len(classes) < 2:
        raise TriggerLensError(
            f"a probe needs two classes, y holds one class: {classes[0]!s}, in all {len(labels)} rows"
        )
    return classes, codes == 1


def _check_known(y: np.ndarray) -> None:
    """Raise on the first label that is None, NaN or infinite."""
    for row, label in enumerate(y.tolist()):
        if label is None or (isinstance(label, float) and not math.isfinite(label)):
            named = "NaN" if label is not None and math.isnan(label) else label
            raise TriggerLensError(
                f"the label of row {row} is {named}; give it a class or drop the row"
            )


def _as_labels(y: Any) -> np.ndarray:
    try:
        return np.asarray(y)
    except ValueError as error:
        raise TriggerLensError(
            "labels are lists of unequal length; give one label for each row, [row]"
        ) from error


def _shown(values: Sequence[Any], count: int) -> str:
    more = " ..." if count > len(values) else ""
    return ", ".join(repr(value) for value in values) + more
