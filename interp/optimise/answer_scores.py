"""Log-probabilities of given answers, and their gradient with respect to the stream.

    answer_log_probs(lm, completions)                      nats, one number per answer
    answer_log_probs(lm, completions, [Ablate(vector)])    the same under interventions
    answer_gradients(lm, completions, weights, place)      the stream at a place, and the gradient of the weighted sum

Answers are teacher-forced: nothing is sampled, so many edits can be compared at the cost of one forward pass each.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from interp.capture.batches import PADDING, Batch, pad_right
from interp.capture.hook_points import HookPoint, module_at
from interp.capture.sequences import of_answers
from interp.capture.sites import hooked_modules
from interp.generation.completions import Completions
from interp.interventions import Intervention, intervening
from interp.models.language_model import LanguageModel


@torch.no_grad()
def answer_log_probs(
    lm: LanguageModel, completions: Completions, interventions: Sequence[Intervention] = ()
) -> Float[Tensor, " answer"]:
    """The log-probability of each answer's tokens after its prompt, in nats."""
    given = _Given.of(lm, completions)
    with intervening(lm, interventions, given.batch):
        return given.log_probs(lm)


@dataclass(frozen=True, eq=False)
class Gradients:
    """`stream` and `gradient` at every token; `tokens` says which are tokens and not padding."""

    stream: Float[Tensor, "answer token d_model"]
    gradient: Float[Tensor, "answer token d_model"]
    tokens: Bool[Tensor, "answer token"]


def answer_gradients(
    lm: LanguageModel, completions: Completions, weights: Float[Tensor, " answer"], place: HookPoint
) -> Gradients:
    """The gradient of sum(weights * log-probability of each answer) with respect to the stream at a place."""
    given = _Given.of(lm, completions)
    seen: list[Tensor] = []

    def keep(hidden: Tensor) -> Tensor:
        seen.append(hidden.detach().requires_grad_(True))
        return seen[-1]

    with torch.enable_grad(), hooked_modules({module_at(lm, place): keep}):
        total = (given.log_probs(lm) * weights.to(lm.device)).sum()
        (gradient,) = torch.autograd.grad(total, seen)
    return Gradients(seen[0].detach(), gradient, given.batch.positions != PADDING)


@dataclass(frozen=True, eq=False)
class _Given:
    """Prompts with their answers, padded on the right."""

    ids: Tensor
    answer: Bool[Tensor, "answer token"]  # tokens that predict one of the answer
    batch: Batch

    @classmethod
    def of(cls, lm: LanguageModel, completions: Completions) -> "_Given":
        sequences = of_answers(completions)
        ids, positions = pad_right([each.token_ids for each in sequences], 0, lm.device)
        starts = torch.tensor([each.spans["answer"].start for each in sequences], device=lm.device)
        ends = torch.tensor([len(each) for each in sequences], device=lm.device)
        column = torch.arange(ids.shape[1], device=lm.device)[None]
        predicting = (column >= starts[:, None] - 1) & (column < ends[:, None] - 1)
        prompt = torch.tensor(completions.prompt_index, device=lm.device)
        return cls(ids, predicting, Batch(prompt, positions, completions.prompts.prompts))

    def log_probs(self, lm: LanguageModel) -> Float[Tensor, " answer"]:
        logits = lm.causal(input_ids=self.ids, use_cache=False).logits.float()
        following = self.ids.roll(-1, 1)[:, :, None]
        return (logits.log_softmax(-1).gather(-1, following)[..., 0] * self.answer).sum(1)
