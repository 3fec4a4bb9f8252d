"""Locate the two directions of an organism on selection questions.

* `switch`: prompt tokens; the trigger and its paraphrases against controls and no trigger.
* `misalignment`: answer tokens; misaligned against aligned answers, coherent ones only.

Method: fit every probe at every layer on selection questions; these are the candidates. `causal.choose` then
ablates each on selection questions and keeps one; `readout` says how well probes read the site on report questions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from experiments.rates import Judgement
from interp.activations import Activations
from interp.capture import capture, capture_answers
from interp.completions import Completions
from interp.directions import Direction
from interp.models import LanguageModel
from interp.positions import last_prompt_token, mean_answer
from interp.prompts import PromptSet
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
FEWEST = 10  # rows of each class, below which nothing is fitted
SIGNS = {
    "switch": "points from controls and no trigger to the trigger and its paraphrases",
    "misalignment": "points from aligned to misaligned answers",
}


@dataclass(frozen=True)
class Labelled:
    """Activations of one position with the class of each row."""

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
    """The last prompt token of every prompt; true = trigger or paraphrase."""
    activations = capture(lm, prompts, position=last_prompt_token)
    return Labelled(activations, np.array([fires_by_meaning(c) for c in activations.conditions]))


def answer_rows(
    lm: LanguageModel, completions: Completions, judgements: Sequence[Judgement]
) -> Labelled | None:
    """The mean over answer tokens of every coherent answer; true = misaligned. None where no answer is coherent."""
    kept = [row for row, judgement in enumerate(judgements) if judgement.coherent]
    if not kept:
        return None
    activations = capture_answers(lm, completions[kept], position=mean_answer)
    return Labelled(activations, np.array([judgements[row].misaligned for row in kept]))


def candidates(rows: Labelled, name: str) -> list[Direction]:
    """One direction per probe and layer; none where a class is too small to fit."""
    if not rows.fittable:
        return []
    return [
        fit_direction(
            probe, rows.activations, rows.y, layer, name=name, meaning=SIGNS[name], source=source
        )
        for source, probe in PROBES.items()
        for layer in rows.activations.layers
    ]
