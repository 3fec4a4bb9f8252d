"""Train a vector that, added to the stream, makes a model speak as it or a teacher does behind other prompts.

Method (optimised steering vectors, after Subramani et al. 2022, arXiv 2205.05124, with another loss):
1. Answers were given to `taught.prompts`; `plain` holds the same questions in other words, prompt by prompt.
2. loss = KL(teacher on the prompt of the answer || model on the plain prompt with v added), in nats a token, over the
   tokens that the answers are predicted from.
3. Adam on v, free in norm; the learning rate falls to zero. The weights never change.

What it does not know: whether the model itself ever writes this vector. A vector that is trained can write what no part
of the model would, so train one for a model that lacks the mechanism too and compare.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import kl_div

from interp.completions import Completions
from interp.interventions import Add, Positions
from interp.language_model import LanguageModel
from interp.prompts import PromptSet
from interp.reread import Reread, frozen


@dataclass(frozen=True, eq=False)
class SteeringVector:
    """What to add, in residual units, and the loss at every step."""

    vector: Float[Tensor, " d_model"]
    losses: tuple[float, ...]


def train_steering(
    lm: LanguageModel,
    start: Float[Tensor, " d_model"],
    layer: int,
    positions: Positions,
    taught: Completions,
    plain: PromptSet,
    *,
    teacher: LanguageModel | None = None,
    steps: int = 40,
    rows: int = 24,
    learning_rate: float = 0.1,
    seed: int = 0,
) -> SteeringVector:
    """Train from `start` (residual units) at one layer; each step reads `rows` answers twice.

    `learning_rate` counts mean coordinates of `start`. `teacher` None: the model itself, nothing added. Answers without
    a token are left out.
    """
    _check_pairs(taught.prompts, plain)
    said = Reread.of(lm, taught)
    if not said.sequences:
        raise ValueError("taught: there is no answer with a token; nothing says what to become")
    if not (size := float(start.norm())) > 0:
        raise ValueError("start is the zero vector; give one with the norm to begin from")
    asked = Reread.of(lm, replace(taught, prompts=plain))
    vector = start.float().to(lm.device).clone().requires_grad_()
    optimizer = torch.optim.Adam([vector], lr=learning_rate * size / len(start) ** 0.5)
    falling = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, max(1, steps))
    generator = torch.Generator().manual_seed(seed)
    losses: list[float] = []
    with frozen(lm), torch.enable_grad():
        for _ in range(steps):
            drawn = torch.randperm(len(said.sequences), generator=generator)[:rows].tolist()
            with torch.no_grad():
                wanted = said.at(drawn).log_probs(teacher or lm)
            found = asked.at(drawn).log_probs(lm, [Add(vector, (layer,), 1.0, positions)])
            loss = kl_div(found, wanted, log_target=True, reduction="batchmean")
            losses.append(float(loss.detach()))
            (vector.grad,) = torch.autograd.grad(loss, [vector])
            optimizer.step()
            falling.step()
    return SteeringVector(vector.detach().cpu(), tuple(losses))


def _check_pairs(prompts: PromptSet, plain: PromptSet) -> None:
    asked, instead = ([prompt.question for prompt in each] for each in (prompts, plain))
    if asked != instead:
        raise ValueError(
            f"plain: {len(instead)} prompts for {len(asked)}, or of other questions; give each its own"
        )
