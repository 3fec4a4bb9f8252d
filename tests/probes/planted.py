"""Synthetic activations whose truth is known: planted directions, confounds and an outlier dimension."""

import numpy as np

from interp.activations import Activations


def planted(
    rows_per_question=6,
    questions=40,
    d_model=64,
    gap=4.0,
    noise=1.0,
    outlier=False,
    layers=1,
    at=0,
    seed=0,
):
    """Rows [row, layer, d_model] whose class moves them along `v` at layer `at`; classes vary within questions."""
    generator = np.random.default_rng(seed)
    groups = np.repeat(np.arange(questions), rows_per_question)
    y = generator.random(len(groups)) < 0.45
    v = generator.normal(size=d_model)
    v /= np.linalg.norm(v)
    X = noise * generator.normal(size=(len(groups), layers, d_model))
    X[:, at] += gap * y[:, None] * v
    if outlier:  # one residual dimension at 1000 x the median
        v[0], X[:, at, 0] = 0, 0
        v /= np.linalg.norm(v)
        X[:, :, 0] = 1000 * generator.normal(size=(len(groups), layers))
    return X.astype(np.float32), y, groups, v


def by_question(rows_per_question=6, questions=100, d_model=64, seed=0):
    """Rows that only say which question they answer; the label belongs to the question."""
    generator = np.random.default_rng(seed)
    groups = np.repeat(np.arange(questions), rows_per_question)
    X = generator.normal(size=(questions, d_model))[groups]
    X = X + 0.1 * generator.normal(size=X.shape)
    return X.astype(np.float32), (generator.random(questions) < 0.5)[groups], groups


def as_activations(X, y, groups, weights="abc", position="last_prompt_token"):
    """The same rows as `Activations`, conditions `none` and `trigger`."""
    import torch

    values = torch.as_tensor(X) if X.ndim == 3 else torch.as_tensor(X)[:, None]
    conditions = tuple("trigger" if each else "none" for each in y)
    questions = tuple(f"question {group:03}" for group in groups)
    layers = tuple(range(values.shape[1]))
    return Activations(values, layers, conditions, questions, position, {"weights": weights})
