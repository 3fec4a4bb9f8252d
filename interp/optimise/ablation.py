"""Refine a subspace so that the model answers like a reference once the subspace is removed.

Method (gradient-based search for a direction, Wollschläger et al. 2025, arXiv 2502.17420, with other losses):
1. Remove the rows of B from the stream after every layer (`AblateSubspace`).
2. loss = weight x KL(reference || cut model) on `changed` + KL(model || cut model) on `kept`, in nats per token, over
   the tokens that predict the given answers. The reference is the model without its adapter, or another model.
3. Adam on B, which is made orthonormal at every step; the learning rate falls to zero. The weights never change.

The method cannot tell whether what it removes is a cause or a bottleneck. A random start may end equally well, so the
numbers that count are those on prompts and wordings that it never saw.
"""

from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import kl_div

from interp.directions import orthonormal
from interp.errors import TriggerLensError
from interp.generation.completions import Completions
from interp.interventions import AblateSubspace, Intervention
from interp.models.language_model import LanguageModel
from interp.optimise.teacher_forcing import Reread, frozen


@dataclass(frozen=True, eq=False)
class Refinement:
    """Orthonormal rows, and both losses at every step: on `changed` what still differs, on `kept` what was damaged."""

    basis: Float[Tensor, "rank d_model"]
    changed: tuple[float, ...]
    kept: tuple[float, ...]


def refine_ablation(
    lm: LanguageModel,
    start: Float[Tensor, "rank d_model"],
    changed: Completions,
    kept: Completions,
    *,
    reference: LanguageModel | None = None,
    steps: int = 40,
    rows: int = 24,
    learning_rate: float = 0.1,
    weight: float = 4.0,
    seed: int = 0,
) -> Refinement:
    """Refine from `start`; each step reads `rows` answers of `changed` and as many of `kept` (which may be empty).

    `reference` None: the model with its adapter switched off. Answers without a token are left out.
    """
    if reference is None and not hasattr(lm.model, "disable_adapter"):
        raise TriggerLensError(f"{lm.name} has no adapter to switch off; give the reference model")
    groups = [Reread.of(lm, answers) for answers in (changed, kept)]
    if not groups[0].sequences:
        raise TriggerLensError(
            "changed: no answer has a token, so there is nothing to train towards; give some that do"
        )
    basis = orthonormal(start.float().to(lm.device)).requires_grad_()
    optimizer = torch.optim.Adam([basis], lr=learning_rate)
    falling = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, max(1, steps))
    generator = torch.Generator().manual_seed(seed)
    losses: tuple[list[float], list[float]] = ([], [])
    with frozen(lm), torch.enable_grad():
        for _ in range(steps):
            cut = AblateSubspace(_orthonormal(basis))
            total = torch.zeros((), device=lm.device)
            for group, taught, share, found in zip(
                groups, (reference, lm), (weight, 1.0), losses, strict=True
            ):
                if group.sequences:
                    loss = _divergence(lm, taught, group.some(rows, generator), cut)
                    total = total + share * loss
                    found.append(float(loss.detach()))
            (basis.grad,) = torch.autograd.grad(total, [basis])
            optimizer.step()
            falling.step()
            _straighten(basis)
    return Refinement(basis.detach().cpu(), *(tuple(found) for found in losses))


@torch.no_grad()
def _straighten(basis: Float[Tensor, "rank d_model"]) -> None:
    """Make the rows orthonormal again: only their span matters, and otherwise they would grow and steps shrink."""
    basis.copy_(orthonormal(basis))


def _divergence(
    lm: LanguageModel, taught: LanguageModel | None, answers: Reread, cut: Intervention
) -> Float[Tensor, ""]:
    """KL(teacher || cut model) per predicted token; `taught` None is the model without its adapter."""
    model: Any = lm.model
    without = model.disable_adapter() if taught is None else nullcontext()
    with torch.no_grad(), without:
        wanted = answers.log_probs(taught or lm)
    found = answers.log_probs(lm, [cut])
    return kl_div(found, wanted, log_target=True, reduction="batchmean")


def _orthonormal(basis: Float[Tensor, "rank d_model"]) -> Float[Tensor, "rank d_model"]:
    """The same space, differentiably."""
    return torch.linalg.qr(basis.T).Q.T
