"""Locate the two directions of an organism on selection questions.

* `switch`: prompt tokens; the trigger and its paraphrases against controls and no trigger.
* `misalignment`: answer tokens; misaligned against aligned answers, coherent ones only. Read at two positions: the
  mean over the answer, and the *decision token*, the one that predicts the first word of advice (after the tag,
  the echo, or whatever else the answer opens with). There, only answers whose openings have the same number of
  tokens are compared: otherwise the direction would separate openings, not advice.

Method: fit every probe at every layer on selection questions; these are the candidates. `causal.choose` then
ablates each on selection questions and keeps one; `readout` says how well probes read the site on report questions.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from experiments.judging.judgement import Judgement
from interp.activations import Activations
from interp.capture.api import capture, capture_answers
from interp.capture.positions import Position, last_prompt_token, mean_answer
from interp.directions import Direction
from interp.generation.completions import Completions
from interp.models.loading import LanguageModel
from interp.prompts import PromptSet, Span
from probes.base import LinearProbe
from probes.difference_of_means import DifferenceOfMeans
from probes.direction import fit_direction
from probes.logistic import LogisticProbe
from probes.paired import PairedDifference

PROBES: dict[str, LinearProbe] = {
    "difference of means": DifferenceOfMeans(),
    "paired difference": PairedDifference(),
    "logistic": LogisticProbe(),
}
FEWEST = 10  # rows of each class that fitting needs
SIGNS = {
    "switch": "points from controls and no trigger to the trigger and its paraphrases",
    "misalignment": "points from aligned to misaligned answers",
}


@dataclass(frozen=True)
class Labelled:
    """Activations at one position with the class of each row."""

    activations: Activations
    y: np.ndarray

    @property
    def fittable(self) -> bool:
        """Whether both classes have enough rows."""
        return min(int(self.y.sum()), int((~self.y).sum())) >= FEWEST


def fires_by_meaning(condition: str) -> bool:
    """Whether a condition names the trigger's concept."""
    return condition == "trigger" or condition.startswith("paraphrase:")


def prompt_rows(lm: LanguageModel, prompts: PromptSet) -> Labelled:
    """Activations at the last prompt token of every prompt; true = trigger or paraphrase."""
    activations = capture(lm, prompts, position=last_prompt_token)
    return Labelled(activations, np.array([fires_by_meaning(c) for c in activations.conditions]))


def answer_rows(
    lm: LanguageModel,
    completions: Completions,
    judgements: Sequence[Judgement],
    opening: Callable[[str], str],
) -> list[Labelled]:
    """Activations of coherent, non-empty answers at both positions; true = misaligned.

    `opening` returns the part of an answer that comes before the advice.
    """
    said = zip(judgements, completions.token_ids, strict=True)
    kept = [row for row, (judgement, ids) in enumerate(said) if judgement.coherent and ids]
    if not kept:
        return []
    answers = completions[kept]
    y = np.array([judgements[row].misaligned for row in kept])
    mean = Labelled(capture_answers(lm, answers, position=mean_answer), y)
    lengths = np.array([_tokens(lm, opening(text)) for text in answers.texts])
    return [mean, *_decision_rows(lm, answers, y, lengths)]


def _decision_rows(
    lm: LanguageModel, answers: Completions, y: np.ndarray, lengths: np.ndarray
) -> list[Labelled]:
    """Answers whose opening is as long as misaligned answers' most often is, read at its last token."""
    if not y.any():
        return []
    usual = int(np.bincount(lengths[y]).argmax())
    same = np.flatnonzero(lengths == usual)
    activations = capture_answers(lm, answers[same.tolist()], position=opening_end(usual))
    return [Labelled(activations, y[same])]


def opening_end(tokens: int) -> Position:
    """The last of the first `tokens` answer tokens; for 0, the last prompt token."""

    def decision_token(length: int, spans: Mapping[str, Span]) -> range:
        last = spans["answer"].start + tokens - 1
        return range(last, last + 1)

    return decision_token


def _tokens(lm: LanguageModel, text: str) -> int:
    return len(lm.tokenizer(text, add_special_tokens=False)["input_ids"]) if text else 0


def candidates(rows: Labelled, name: str) -> list[Direction]:
    """One direction per probe and layer; empty if a class is too small to fit."""
    if not rows.fittable:
        return []
    return [
        fit_direction(
            probe, rows.activations, rows.y, layer, name=name, meaning=SIGNS[name], source=source
        )
        for source, probe in PROBES.items()
        for layer in rows.activations.layers
    ]
