"""How well probes read the directions' sites on held-out questions, with controls that must fail.

* misalignment: fitted on selection answers, scored on report answers.
* refined: nothing is fitted; report rows of the site where refinement began are projected on the direction itself.
* switch: each fold leaves one paraphrase and one control out of fitting and scores only those two, on report questions.
  A probe of the wording cannot pass, because the held-out paraphrase has other words. Surface features (bag of tokens)
  go through the same folds.
Controls: labels shuffled before fitting; random directions.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from experiments.results.facts import FactWriter
from experiments.study.steps.locate.candidates import PROBES, Labelled, fires_by_meaning
from interp.directions import Direction
from interp.prompts import PromptSet
from probes.bags import bags
from probes.base import LinearProbe
from probes.logistic import LogisticProbe
from probes.names import RANDOM, SHUFFLED, SURFACE

QUANTITY = "probe_auroc"
DRAWS = 20  # random directions
Matrix = np.ndarray


class Unseen(NamedTuple):
    """Scores of rows whose wording was left out of fitting, with the label, question, wording and fold of each."""

    scores: Matrix
    labels: Matrix
    questions: list[str]
    conditions: list[str]
    folds: list[int]


def read_misalignment(facts: FactWriter, fitted: Labelled, scored: Labelled, seed: int) -> None:
    """Scores of every layer and probe, with controls."""
    if not (fitted.fittable and scored.fittable):
        return
    read = scored.activations
    for layer in fitted.activations.layers:
        X, new = fitted.activations.at(layer).numpy(), read.at(layer).numpy()
        place: dict[str, Any] = {
            "direction": "misalignment",
            "layer": layer,
            "position": read.position,
        }
        shuffled = np.random.default_rng(seed).permutation(fitted.y)
        fits = {source: (probe, fitted.y) for source, probe in PROBES.items()}
        fits[f"logistic, {SHUFFLED}"] = (PROBES["logistic"], shuffled)
        for source, (probe, y) in fits.items():
            scores = _fit(probe, X, y, fitted.activations.questions).decision_function(new)
            facts.scores(
                QUANTITY, scores, scored.y, read.questions, read.conditions, source=source, **place
            )
        _random_directions(facts, new, scored, place, seed)


def read_switch(
    facts: FactWriter,
    rows: tuple[Labelled, Labelled],
    prompts: tuple[PromptSet, PromptSet],
    seed: int,
) -> None:
    """Scores on unseen wordings, for every layer and probe, with controls; pairs are (selection, report)."""
    fitted, scored = rows
    if not fitted.fittable:
        return
    place: dict[str, Any] = {"direction": "switch", "position": scored.activations.position}
    words = bags_of_tokens(*prompts)
    unseen = unseen_wordings(LogisticProbe(), words, fitted, scored, seed)
    source = f"{SURFACE}: bag of tokens, unseen wordings"
    facts.scores(QUANTITY, *unseen, source=source, **place)
    for layer in fitted.activations.layers:
        here = {**place, "layer": layer}
        X = (fitted.activations.at(layer).numpy(), scored.activations.at(layer).numpy())
        for source, probe in PROBES.items():
            unseen = unseen_wordings(probe, X, fitted, scored, seed)
            facts.scores(QUANTITY, *unseen, source=f"{source}, unseen wordings", **here)
        unseen = unseen_wordings(PROBES["logistic"], X, fitted, scored, seed, shuffle=True)
        facts.scores(QUANTITY, *unseen, source=f"logistic, {SHUFFLED}", **here)
        _random_directions(facts, X[1], scored, here, seed)


def read_refined(
    facts: FactWriter, direction: Direction, fitted: Labelled, scored: Labelled, seed: int
) -> None:
    """Projections of report rows on the refined direction; as a control, a probe fitted on shuffled labels."""
    if not (fitted.fittable and scored.fittable):
        return
    read, layer = scored.activations, direction.layer
    X, new = fitted.activations.at(layer).numpy(), read.at(layer).numpy()
    shuffled = np.random.default_rng(seed).permutation(fitted.y)
    control = _fit(PROBES["logistic"], X, shuffled, fitted.activations.questions)
    scores = {
        "projection": new.astype(float) @ direction.vector.double().numpy(),
        f"logistic, {SHUFFLED}": control.decision_function(new),
    }
    place = {"direction": direction.name, "layer": layer, "position": direction.position}
    for source, values in scores.items():
        facts.scores(
            QUANTITY, values, scored.y, read.questions, read.conditions, source=source, **place
        )


def _random_directions(
    facts: FactWriter, X: Matrix, scored: Labelled, place: dict[str, Any], seed: int
) -> None:
    """Projections on random directions, without any probe."""
    vectors = np.random.default_rng(seed).normal(size=(DRAWS, X.shape[1]))
    read = scored.activations
    for draw, vector in enumerate(vectors):
        facts.scores(
            QUANTITY,
            X.astype(float) @ vector,
            scored.y,
            read.questions,
            read.conditions,
            source=RANDOM,
            draw=draw,
            **place,
        )


def bags_of_tokens(fitted: PromptSet, scored: PromptSet) -> tuple[Matrix, Matrix]:
    """[prompt, token + 1] for both sets: which tokens occur, and the length in tens of tokens."""
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
) -> Unseen:
    """Scores on wordings left out of fitting, on report questions; X is (selection rows, report rows)."""
    parts: list[Matrix] = []
    rows: list[int] = []
    folds: list[int] = []
    generator = np.random.default_rng(seed)
    read = scored.activations
    for fold, left_out in enumerate(_wording_folds(fitted.activations.conditions)):
        train = np.array([name not in left_out for name in fitted.activations.conditions])
        test = np.flatnonzero([name in left_out for name in read.conditions])
        y = generator.permutation(fitted.y[train]) if shuffle else fitted.y[train]
        groups = [q for q, kept in zip(fitted.activations.questions, train, strict=True) if kept]
        parts.append(_fit(probe, X[0][train], y, groups).decision_function(X[1][test]))
        rows += test.tolist()
        folds += [fold] * len(test)
    return Unseen(
        np.concatenate([np.zeros(0), *parts]),
        scored.y[rows],
        [read.questions[row] for row in rows],
        [read.conditions[row] for row in rows],
        folds,
    )


def _wording_folds(conditions: tuple[str, ...]) -> list[tuple[str, str]]:
    """(paraphrase, control) pairs; every paraphrase and every control is left out at least once."""
    names = sorted(set(conditions))
    paraphrases = [name for name in names if name.startswith("paraphrase:")]
    controls = [name for name in names if not fires_by_meaning(name) and name != "none"]
    count = max(len(paraphrases), len(controls)) if paraphrases and controls else 0
    return [(paraphrases[i % len(paraphrases)], controls[i % len(controls)]) for i in range(count)]


def _fit(probe: LinearProbe, X: Matrix, y: Matrix, questions: Sequence[str]) -> LinearProbe:
    return probe.fit(X, y, questions)  # earlier fits of the same object have no effect
