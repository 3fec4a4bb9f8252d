"""Find the subspace that carries a variable from one prompt to another (distributed alignment search).

Method (Geiger et al. 2023, arXiv 2303.02536, with answers of many tokens instead of one label):
1. A swap puts the stream of donor prompts, at the tokens of one span after one layer, into other prompts, but only in
   the subspace of B (`Patch` with a basis).
2. loss = KL(model on the prompt that an answer was given to || model on the prompt that was swapped into), in nats per
   token, over the tokens that predict the answers.
3. Adam on B, which is made orthonormal at every step; the learning rate falls to zero. The weights never change.

The choice of swaps decides what the subspace should carry; the caller knows what the prompts have in common. Training
cannot show whether the model itself uses the subspace in this way; test that on prompts that were in no swap.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import kl_div

from interp.capture.api import capture
from interp.capture.positions import Each
from interp.directions import orthonormal
from interp.errors import TriggerLensError
from interp.generation.completions import Completions
from interp.interventions import Patch, PromptSpan
from interp.models.language_model import LanguageModel
from interp.optimise.teacher_forcing import Reread, frozen
from interp.prompts import PromptSet, Span

Streams = Float[Tensor, "prompt token d_model"]


@dataclass(frozen=True, eq=False)
class Swap:
    """`donors` are put into the prompts of `into`, whose answers should then be those of `taught`, prompt by prompt."""

    taught: Completions
    into: PromptSet
    donors: Streams


@dataclass(frozen=True, eq=False)
class Interchange:
    """Orthonormal rows after a layer, and the loss at every step."""

    basis: Float[Tensor, "rank d_model"]
    layer: int
    span: str
    losses: tuple[float, ...]

    def swap(self, donors: Streams) -> Patch:
        """The intervention that puts these donors in."""
        return Patch({self.layer: donors}, PromptSpan(self.span), self.basis)


def span_streams(lm: LanguageModel, prompts: PromptSet, layer: int, span: str) -> Streams:
    """The residual stream after `layer` at every token of a span that is equally long in all prompts."""
    lengths = {len(prompt.spans[span]) for prompt in prompts}
    if len(lengths) != 1:
        raise TriggerLensError(
            f"span {span!r} has {min(lengths)} to {max(lengths)} tokens; swap spans of equal length"
        )

    def whole(length: int, spans: Mapping[str, Span]) -> range:
        return range(spans[span].start, spans[span].stop)

    found = capture(lm, prompts, layers=[layer], position=Each(whole, f"{span}_tokens"))
    return found.at(layer).reshape(len(prompts), lengths.pop(), lm.d_model)


def train_interchange(
    lm: LanguageModel,
    swaps: Sequence[Swap],
    layer: int,
    *,
    rank: int = 1,
    span: str = "header",
    steps: int = 40,
    rows: int = 16,
    learning_rate: float = 0.1,
    orthogonal_to: Float[Tensor, "other d_model"] | None = None,
    seed: int = 0,
) -> Interchange:
    """Train from a random start; each step takes the next swap and reads `rows` of its answers, twice each.

    `orthogonal_to`: rows that the subspace must be orthogonal to. Answers without a token are left out.
    """
    groups = [_Group.of(lm, swap) for swap in swaps]
    generator = torch.Generator().manual_seed(seed)
    start = torch.randn(rank, lm.d_model, generator=generator)
    basis = orthonormal(_without(start, orthogonal_to)).to(lm.device).requires_grad_()
    optimizer = torch.optim.Adam([basis], lr=learning_rate)
    falling = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, max(1, steps))
    losses: list[float] = []
    with frozen(lm), torch.enable_grad():
        for step in range(steps):
            group = groups[step % len(groups)]
            held = torch.linalg.qr(_without(basis, orthogonal_to).T).Q.T
            swapped = Patch({layer: group.donors}, PromptSpan(span), held)
            loss = group.divergence(lm, swapped, rows, generator)
            losses.append(float(loss.detach()))
            (basis.grad,) = torch.autograd.grad(loss, [basis])
            optimizer.step()
            falling.step()
            with torch.no_grad():
                basis.copy_(orthonormal(_without(basis, orthogonal_to)))
    return Interchange(basis.detach().cpu(), layer, span, tuple(losses))


@dataclass(frozen=True, eq=False)
class _Group:
    """A swap, ready to be read."""

    said: Reread
    asked: Reread
    donors: Streams

    @classmethod
    def of(cls, lm: LanguageModel, swap: Swap) -> "_Group":
        mine, given = (
            [each.question for each in part] for part in (swap.into, swap.taught.prompts)
        )
        if mine != given or len(swap.donors) != len(mine):
            raise TriggerLensError(
                f"a swap has {len(mine)} prompts, {len(swap.donors)} donors and answers to {len(given)} prompts; give"
                " the same questions in the same order, and a donor for each"
            )
        said, asked = (
            Reread.of(lm, each) for each in (swap.taught, replace(swap.taught, prompts=swap.into))
        )
        if not said.sequences:
            raise TriggerLensError(
                "taught: no answer has a token, so there is nothing to train towards; give some that do"
            )
        return cls(said, asked, swap.donors)

    def divergence(
        self, lm: LanguageModel, swapped: Patch, rows: int, generator: torch.Generator
    ) -> Float[Tensor, ""]:
        """KL(model on its own prompt || model on the other prompt with the swap) per predicted token."""
        drawn = torch.randperm(len(self.said.sequences), generator=generator)[:rows].tolist()
        with torch.no_grad():
            wanted = self.said.at(drawn).log_probs(lm)
        found = self.asked.at(drawn).log_probs(lm, [swapped])
        return kl_div(found, wanted, log_target=True, reduction="batchmean")


def _without(basis: Tensor, other: Tensor | None) -> Tensor:
    """The rows without their part in the span of `other`."""
    if other is None:
        return basis
    known = orthonormal(other).to(basis)
    return basis - basis @ known.T @ known
