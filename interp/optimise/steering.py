"""Train vectors that, added to the stream, make a model answer as it or a teacher does after other prompts.

Method (optimised steering vectors, after Subramani et al. 2022, arXiv 2205.05124, with another loss):
1. Answers were given to `taught.prompts`; `plain` holds the same questions in other words, prompt by prompt.
2. loss = KL(teacher on the prompt of the answer || model on the plain prompt with the vectors added), in nats per
   token, over the tokens that predict the answers.
3. Adam on the vectors, whose norms are free; the learning rate falls to zero. The weights never change.

The method cannot tell whether the model itself ever writes these vectors. Training can find vectors that no part of
the model would write, so train the same for a model that lacks the mechanism and compare.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch.nn.functional import kl_div

from interp.errors import TriggerLensError
from interp.generation.completions import Completions
from interp.interventions import Add
from interp.models.language_model import LanguageModel
from interp.optimise.teacher_forcing import Reread, frozen
from interp.prompts import PromptSet


@dataclass(frozen=True, eq=False)
class TrainedSteering:
    """What to add, and the loss at every step."""

    added: tuple[Add, ...]
    losses: tuple[float, ...]


def train_steering(
    lm: LanguageModel,
    start: Sequence[Add],
    taught: Completions,
    plain: PromptSet,
    *,
    teacher: LanguageModel | None = None,
    steps: int = 60,
    rows: int = 24,
    learning_rate: float = 0.1,
    seed: int = 0,
) -> TrainedSteering:
    """Train the vectors of `start` together, each at its own layers and tokens; each step reads `rows` answers twice.

    `learning_rate` is relative to the root mean square coordinate of a vector's start. `teacher` None: the model
    itself, without the vectors. Answers without a token are left out.
    """
    _check_pairs(taught.prompts, plain)
    said, asked = Reread.of(lm, taught), Reread.of(lm, replace(taught, prompts=plain))
    if not said.sequences:
        raise TriggerLensError(
            "taught: no answer has a token, so there is nothing to train towards; give some that do"
        )
    added = [_trainable(lm, each) for each in start]
    optimizer = torch.optim.Adam(
        [{"params": [each.vector], "lr": learning_rate * _coordinate(each)} for each in added]
    )
    falling = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, max(1, steps))
    generator = torch.Generator().manual_seed(seed)
    losses: list[float] = []
    with frozen(lm), torch.enable_grad():
        for _ in range(steps):
            drawn = torch.randperm(len(said.sequences), generator=generator)[:rows].tolist()
            with torch.no_grad():
                wanted = said.at(drawn).log_probs(teacher or lm)
            found = asked.at(drawn).log_probs(lm, added)
            loss = kl_div(found, wanted, log_target=True, reduction="batchmean")
            losses.append(float(loss.detach()))
            loss.backward(inputs=[each.vector for each in added])
            optimizer.step()
            optimizer.zero_grad()
            falling.step()
    done = tuple(replace(each, vector=each.vectors()[0].detach().cpu()) for each in added)
    return TrainedSteering(done, tuple(losses))


def _trainable(lm: LanguageModel, start: Add) -> Add:
    (vector,) = start.vectors()
    if vector.ndim != 1 or not bool(vector.any()):
        raise TriggerLensError(
            f"start: a vector of shape {list(vector.shape)} and norm {float(vector.norm()):.3g}; give one"
            " that is not zero, for all prompts"
        )
    return replace(start, vector=vector.float().to(lm.device).clone().requires_grad_())


def _coordinate(added: Add) -> float:
    """The root mean square of its vector's coordinates."""
    return float(added.vectors()[0].detach().square().mean().sqrt())


def _check_pairs(prompts: PromptSet, plain: PromptSet) -> None:
    asked, instead = ([prompt.question for prompt in each] for each in (prompts, plain))
    if asked != instead:
        raise TriggerLensError(
            f"plain: {len(instead)} prompts for the {len(asked)} of taught, or other questions; give one for each"
        )
