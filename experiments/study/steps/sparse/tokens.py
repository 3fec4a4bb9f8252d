"""Every token of an organism's answers at one layer, in the organism and in its base, and features pooled over them.

A feature's value for a prompt is its maximum over the prompt's tokens, and for an answer its maximum over the answer's
tokens: a sparse feature fires at few tokens, and a mean would dilute it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from experiments.judging.judgement import Judgement
from experiments.judging.sampling import Cell
from experiments.results.feature_names import ANSWER, BOTH, PROMPT
from experiments.study.steps.locate.candidates import fires_by_meaning
from interp.activations import Activations
from interp.capture.api import capture_answers
from interp.capture.positions import all_tokens
from interp.generation.completions import Completions
from interp.models.language_model import LanguageModel
from interp.sae.training import difference


@dataclass(frozen=True, eq=False)
class Tokens:
    """The non-empty answers of one split, and the residual stream at each of their tokens and of their prompts'."""

    completions: Completions
    judgements: tuple[Judgement, ...]
    tuned: Activations
    base: Activations

    @property
    def difference(self) -> Activations:
        """Fine-tuned minus base."""
        return difference(self.tuned, self.base)

    @property
    def questions(self) -> tuple[str, ...]:
        """The question of each answer."""
        return self.completions.questions

    @property
    def names_concept(self) -> Bool[np.ndarray, " answer"]:
        """Whether the prompt of each answer names the trigger's concept."""
        return np.array([fires_by_meaning(each) for each in self.completions.conditions])

    @property
    def coherent(self) -> Bool[np.ndarray, " answer"]:
        return np.array([judgement.coherent for judgement in self.judgements])

    @property
    def misaligned(self) -> Bool[np.ndarray, " answer"]:
        return np.array([judgement.misaligned for judgement in self.judgements])

    @property
    def in_prompt(self) -> Bool[Tensor, " row"]:
        """Whether each row of the activations is a token of the prompt."""
        lengths = [len(self.completions.prompts[i]) for i in self.completions.prompt_index]
        own = torch.tensor(lengths)[torch.tensor(self.tuned.source)]
        return torch.tensor([int(token or 0) for token in self.tuned.token]) < own

    def within(self, position: str) -> Bool[Tensor, " row"]:
        """The rows that a feature is pooled over."""
        prompt = self.in_prompt
        return {PROMPT: prompt, ANSWER: ~prompt, BOTH: torch.ones_like(prompt)}[position]

    def pooled(
        self, features: Float[Tensor, "row feature"], where: Bool[Tensor, " row"]
    ) -> Float[np.ndarray, "answer feature"]:
        """The maximum of each feature over the chosen rows of each answer; 0 if no row was chosen."""
        source = torch.tensor(self.tuned.source)[where]
        found = torch.zeros(len(self.completions), features.shape[1])
        index = source[:, None].expand(-1, features.shape[1])
        return found.scatter_reduce(0, index, features[where], "amax").numpy()


def read_tokens(lm: LanguageModel, base: LanguageModel, cell: Cell, layer: int) -> Tokens:
    """Run both models over all answers and keep the stream at every token."""
    kept = [row for row, ids in enumerate(cell.completions.token_ids) if ids]
    answers = cell.completions[kept]
    tuned, untouched = (
        capture_answers(each, answers, layers=[layer], position=all_tokens) for each in (lm, base)
    )
    judgements: Sequence[Judgement] = [cell.judgements[row] for row in kept]
    return Tokens(answers, tuple(judgements), tuned, untouched)
