"""Read-outs of a probe for rows whose questions it was not fitted on."""

from typing import Any

import numpy as np
from sklearn.base import clone

from interp.activations import Activations
from interp.errors import TriggerLensError
from interp.io.validation import check_count
from probes.arrays import as_array
from probes.groups import group_codes
from probes.splits import deal


def held_out_scores(
    probe: Any,
    source: Activations,
    target: Activations,
    layer: int,
    pair: tuple[str, str],
    folds: int,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Held-out read-outs of the target's rows, and the fold of each."""
    codes, names = group_codes(source.questions)
    check_count("folds", folds, 2)
    if len(names) < folds:
        raise TriggerLensError(
            f"{len(names)} questions for {folds} folds: give more, or ask for fewer"
        )
    conditions = np.array(source.conditions)
    fitted, y = np.isin(conditions, pair), conditions == pair[0]
    of_source = deal(y, codes, folds, seed)
    fold_of = dict(zip(source.questions, of_source.tolist(), strict=True))
    of_target = np.array([fold_of[question] for question in target.questions])
    X, new = as_array(source.at(layer)), as_array(target.at(layer))
    scores = np.zeros(len(new))
    for fold in range(folds):
        train, test = fitted & (of_source != fold), of_target == fold
        if test.any():
            model = clone(probe).fit(X[train], y[train], codes[train])
            scores[test] = model.decision_function(new[test])
    return scores, of_target
