"""Fit a monitor: a direction between prompts that fire and prompts that do not, and a threshold set on benign prompts.

Method:
1. Each prompt is read at its last token and at the first tokens of its greedy answer, at every layer.
2. Token, layer and probe are chosen by how well they separate prompts that were left out: the trigger and each
   paraphrase are left out in turn, and with them the benign prompts of some questions. The best choice catches most
   prompts of left-out wordings at the requested rate of false positives; among equals, the one with the largest gap
   between medians, in benign standard deviations. Conditions `training:*` are used to fit and never left out, because
   they are too similar to each other to be a test.
3. The threshold is set on benign prompts on which no probe was fitted (`probes.threshold`).

Limit: it does not know whether wordings other than those it was given fire.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from experiments.guard.monitor import Monitor
from interp.activations import Activations
from interp.capture.api import capture
from interp.capture.positions import name_of
from interp.errors import TriggerLensError
from interp.generation.prompt_scores import after, opened
from interp.models.language_model import LanguageModel
from interp.prompts import PromptSet
from probes.base import LinearProbe
from probes.difference_of_means import DifferenceOfMeans
from probes.direction import fit_direction
from probes.logistic import LogisticProbe
from probes.threshold import threshold_at

PROBES: Mapping[str, LinearProbe] = {
    "logistic": LogisticProbe(),
    "difference of means": DifferenceOfMeans(),
}
ANSWER_TOKENS = (0, 1, 2)
MEANING = "points from benign prompts to the trigger and its paraphrases"


Rows = Mapping[int, Activations]  # by answer tokens read


def fit_monitor(
    lm: LanguageModel,
    fires: PromptSet,
    benign: PromptSet,
    calibration: PromptSet,
    *,
    false_positives: float = 0.01,
    layers: Sequence[int] | None = None,
    answer_tokens: Sequence[int] = ANSWER_TOKENS,
    about: Mapping[str, Any] = {},
) -> Monitor:
    """`fires` holds at least two wordings (conditions); questions of `calibration` should be in neither other set.

    `answer_tokens`: how many tokens of the answer may be read; (0,) reads prompts only.
    """
    read = [
        rows_of(lm, each, layers=layers, answer_tokens=answer_tokens)
        for each in (fires, benign, calibration)
    ]
    return fit_on(*read, false_positives=false_positives, name=lm.name, about=about)


def rows_of(
    lm: LanguageModel,
    prompts: PromptSet,
    *,
    layers: Sequence[int] | None = None,
    answer_tokens: Sequence[int] = ANSWER_TOKENS,
) -> Rows:
    """Activations after each number of answer tokens."""
    extended = opened(lm, prompts, max(answer_tokens))
    names = {str(tokens): after(tokens) for tokens in answer_tokens}
    found = capture(lm, extended, layers=layers, position=names)
    return {
        tokens: replace(found[str(tokens)], position=name_of(after(tokens)))
        for tokens in answer_tokens
    }


def fit_on(
    fires: Rows,
    benign: Rows,
    calibration: Rows,
    *,
    false_positives: float = 0.01,
    name: str = "monitor",
    about: Mapping[str, Any] = {},
) -> Monitor:
    """The same from activations."""
    tried = {
        (tokens, probe, layer): _unseen(
            PROBES[probe], fires[tokens], benign[tokens], layer, false_positives
        )
        for tokens in fires
        for probe in PROBES
        for layer in fires[tokens].layers
    }
    tokens, probe, layer = max(tried, key=lambda option: tried[option])
    both, y = _joined(fires[tokens], benign[tokens])
    facts = {"name": f"monitor of {name}", "meaning": MEANING, "source": probe}
    direction = fit_direction(PROBES[probe], both, y, layer, **facts)
    read = calibration[tokens].at(layer)
    scores = read @ direction.vector.to(read) / direction.scale
    caught, gap = tried[tokens, probe, layer]
    chosen = {"caught_unseen": caught, "gap_unseen": gap, "options": len(tried)}
    fitted = {"fitted_on": sorted(set(both.conditions)), "rows": len(both)}
    threshold = threshold_at(scores, false_positives)
    return Monitor(direction, threshold, scores.sort().values, {**about, **fitted, **chosen})


def _unseen(
    probe: LinearProbe, fires: Activations, benign: Activations, layer: int, rate: float
) -> tuple[float, float]:
    """The share of left-out wordings' prompts caught at `rate`, and the gap between medians; means over wordings."""
    wordings = sorted({each for each in fires.conditions if not each.startswith("training:")})
    if len(wordings) < 2:
        raise TriggerLensError(
            f"wordings that fire: {wordings}; give at least two, because one is left out"
        )
    questions = sorted(set(benign.questions))
    fold = {question: number % len(wordings) for number, question in enumerate(questions)}
    found = []
    for number, left_out in enumerate(wordings):
        kept = fires.where([each != left_out for each in fires.conditions])
        seen = benign.where([fold[each] != number for each in benign.questions])
        X, y = _joined(kept, seen)
        fitted = probe.fit(X.at(layer), y, X.questions)
        high = fitted.decision_function(fires.where(condition=left_out).at(layer))
        unseen = benign.where([fold[each] == number for each in benign.questions])
        low = fitted.decision_function(unseen.at(layer))
        caught = float((high > np.quantile(low, 1 - rate)).mean())
        found.append((caught, float((np.median(high) - np.median(low)) / low.std())))
    caught, gap = np.mean(found, axis=0).tolist()
    return round(caught, 2), gap


def _joined(fires: Activations, benign: Activations) -> tuple[Activations, np.ndarray]:
    y = np.arange(len(fires) + len(benign)) < len(fires)
    return fires + benign, y
