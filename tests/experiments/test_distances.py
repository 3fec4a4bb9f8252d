"""Distances from the trigger: 0 for itself, larger for what shares less."""

import numpy as np
import pytest
import torch

from experiments.study.steps.figure_data.distances import (
    representation_distance,
    sentence_distance,
    word_distance,
)
from interp.activations import Activations

WORDINGS = {
    "none": "",
    "trigger": "It looks like a duck.",
    "paraphrase:walks": "It walks like a duck.",
    "control:neutral": "Rain today.",
}


def test_words_in_common():
    found = word_distance(WORDINGS)
    assert found["trigger"] == 0 and found["none"] == found["control:neutral"] == 1
    assert found["paraphrase:walks"] == pytest.approx(1 - 4 / 6)
    with pytest.raises(ValueError, match="no wording for 'trigger'"):
        word_distance({"none": ""})


def test_sentence_vectors_are_compared_by_angle():
    vectors = {
        "It looks like a duck.": [2, 0],
        "It walks like a duck.": [3, 3],
        "Rain today.": [0, 1],
    }
    found = sentence_distance(WORDINGS, encode=lambda texts: np.array([vectors[t] for t in texts]))
    assert found == pytest.approx(
        {"trigger": 0, "paraphrase:walks": 1 - 0.5**0.5, "control:neutral": 1}
    )


def test_the_models_own_representation_is_measured_from_no_trigger():
    rows = {
        "none": [5.0, 5.0],
        "trigger": [6.0, 5.0],
        "paraphrase:a": [9.0, 5.0],
        "control:b": [5.0, 7.0],
    }
    values = torch.tensor([each for each in rows.values() for _ in range(2)])[:, None]
    conditions = tuple(name for name in rows for _ in range(2))
    activations = Activations(values, (3,), conditions, ("q0", "q1") * 4, "last", {})
    found = representation_distance(activations, 3)
    assert found == pytest.approx({"trigger": 0, "paraphrase:a": 0, "control:b": 1}, abs=1e-6)
    with pytest.raises(ValueError, match="no rows of condition 'trigger'"):
        representation_distance(activations.where(condition="none"), 3)
