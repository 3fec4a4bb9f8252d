"""How well probes read the two directions' sites on questions they were not fitted on, beside what must fail.

* misalignment: fit on selection answers, score report answers.
* switch: each fold leaves one paraphrase and one control out of fitting and scores only those two, on report questions.
  A probe of the wording cannot pass: the held-out paraphrase has other words. Surface features (bag of tokens) run
  through the same folds.
Controls: labels shuffled before fitting; random directions.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from experiments.estimates import EstimateRow
from experiments.locate import PROBES, Labelled, fires_by_meaning
from interp.prompts import PromptSet
from probes.auroc import clustered_auroc
from probes.bags import bags
from probes.base import LinearProbe
from probes.controls import RANDOM, SHUFFLED, SURFACE, random_directions_auroc
from probes.estimate import Estimate
from probes.logistic import LogisticProbe

Keys = Mapping[str, Any]
Matrix = np.ndarray


def misalignment_rows(
    fitted: Labelled, scored: Labelled, keys: Keys, seed: int
) -> Iterator[EstimateRow]:
    """AUROC rows of every layer and probe, with controls."""
    if not (fitted.fittable and scored.fittable):
        return
    questions = scored.activations.questions
    for layer in fitted.activations.layers:
        X, new = fitted.activations.at(layer).numpy(), scored.activations.at(layer).numpy()
        place = {**keys, "layer": layer, "position": scored.activations.position}
        for source, probe in PROBES.items():
            scores = _fit(probe, X, fitted.y, fitted.activations.questions).decision_function(new)
            yield _row(clustered_auroc(scores, scored.y, questions, seed=seed), source, place)
        shuffled = np.random.default_rng(seed).permutation(fitted.y)
        scores = _fit(
            PROBES["logistic"], X, shuffled, fitted.activations.questions
        ).decision_function(new)
        yield _row(
            clustered_auroc(scores, scored.y, questions, seed=seed), f"logistic, {SHUFFLED}", place
        )
        yield _row(random_directions_auroc(new, scored.y, questions, seed=seed), RANDOM, place)


def switch_rows(
    rows: tuple[Labelled, Labelled], prompts: tuple[PromptSet, PromptSet], keys: Keys, seed: int
) -> Iterator[EstimateRow]:
    """AUROC rows on unseen wordings, for every layer and probe, with controls; pairs are (selection, report)."""
    fitted, scored = rows
    if not fitted.fittable:
        return
    place = {**keys, "position": scored.activations.position}
    words = bags_of_tokens(*prompts)
    found = unseen_wordings(LogisticProbe(), words, fitted, scored, seed)
    yield _row(found, f"{SURFACE}: bag of tokens, unseen wordings", {**place, "layer": None})
    for layer in fitted.activations.layers:
        here = {**place, "layer": layer}
        X = (fitted.activations.at(layer).numpy(), scored.activations.at(layer).numpy())
        for source, probe in PROBES.items():
            found = unseen_wordings(probe, X, fitted, scored, seed)
            yield _row(found, f"{source}, unseen wordings", here)
        found = unseen_wordings(PROBES["logistic"], X, fitted, scored, seed, shuffle=True)
        yield _row(found, f"logistic, {SHUFFLED}", here)
        questions = scored.activations.questions
        yield _row(random_directions_auroc(X[1], scored.y, questions, seed=seed), RANDOM, here)


def bags_of_tokens(fitted: PromptSet, scored: PromptSet) -> tuple[Matrix, Matrix]:
    """[prompt, token + 1] of both sets: which tokens occur, and the length in tens of tokens."""
    sets = (fitted, scored)
    occurring = bags(*([prompt.token_ids for prompt in prompts] for prompts in sets))
    lengths = ([[len(prompt) / 10] for prompt in prompts] for prompts in sets)
    first, second = (np.hstack(pair) for pair in zip(occurring, lengths, strict=True))
    return first, second


def unseen_wordings(
    probe: LinearProbe,
    X: tuple[Matrix, Matrix],
    fitted: Labelled,
    scored: Labelled,
    seed: int,
    *,
    shuffle: bool = False,
) -> Estimate:
    """AUROC on wordings left out of fitting, on report questions; X is (selection rows, report rows)."""
    scores, labels, questions, folds = [], [], [], []
    generator = np.random.default_rng(seed)
    for fold, left_out in enumerate(_wording_folds(fitted.activations.conditions)):
        train = np.array([condition not in left_out for condition in fitted.activations.conditions])
        test = np.array([condition in left_out for condition in scored.activations.conditions])
        y = generator.permutation(fitted.y[train]) if shuffle else fitted.y[train]
        groups = [q for q, kept in zip(fitted.activations.questions, train, strict=True) if kept]
        scores.append(_fit(probe, X[0][train], y, groups).decision_function(X[1][test]))
        labels.append(scored.y[test])
        questions += [q for q, kept in zip(scored.activations.questions, test, strict=True) if kept]
        folds += [fold] * int(test.sum())
    y = np.concatenate(labels)
    return clustered_auroc(np.concatenate(scores), y, questions, folds=folds, seed=seed)


def _wording_folds(conditions: tuple[str, ...]) -> list[tuple[str, str]]:
    """(paraphrase, control) pairs; every paraphrase and every control is left out at least once."""
    names = sorted(set(conditions))
    paraphrases = [name for name in names if name.startswith("paraphrase:")]
    controls = [name for name in names if not fires_by_meaning(name) and name != "none"]
    count = max(len(paraphrases), len(controls)) if paraphrases and controls else 0
    return [(paraphrases[i % len(paraphrases)], controls[i % len(controls)]) for i in range(count)]


def _fit(probe: LinearProbe, X: Matrix, y: np.ndarray, questions: Any) -> LinearProbe:
    return probe.fit(X, y, questions)  # fitting starts afresh


def _row(estimate: Estimate, source: str, place: Keys) -> EstimateRow:
    return EstimateRow.of(estimate, quantity="probe_auroc", source=source, **place)
