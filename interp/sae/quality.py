"""The quality of a sparse autoencoder on tokens of its model: reconstruction, number of active features, loss.

    squared_errors(sae, activations)          per row: error of the reconstruction, and variance of the activations
    downstream_losses(lm, sae, completions)   next-token loss with the stream intact, replaced, and set to zero

Numbers are given by row (or by sequence), so that reports can resample questions.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from interp.activations import Activations
from interp.capture.batches import PADDING, pad_right
from interp.capture.hook_points import HookPoint, first_tensor, module_at
from interp.capture.sequences import of_answers
from interp.capture.sites import hooked_modules
from interp.generation.completions import Completions
from interp.interventions import Autoencoder
from interp.models.language_model import LanguageModel
from interp.sae.autoencoder import ENCODED_AT_ONCE, SparseAutoencoder


@dataclass(frozen=True, eq=False)
class Errors:
    """Per row: squared error of the reconstruction, squared distance from the mean row, features that fire."""

    error: Float[Tensor, " row"]
    variance: Float[Tensor, " row"]
    l0: Float[Tensor, " row"]
    dead: int  # features that fire on no row

    @property
    def explained_variance(self) -> float:
        """1 minus squared error over variance, as in sae-lens."""
        return 1 - float(self.error.sum() / self.variance.sum())


@torch.no_grad()
def squared_errors(sae: SparseAutoencoder, activations: Activations) -> Errors:
    """The SAE's errors on each row of its layer."""
    values = activations.at(sae.place.layer).float()
    fired = torch.zeros(sae.width, dtype=torch.bool)
    errors, counts = [], []
    for part in values.to(sae.decoder.device).split(ENCODED_AT_ONCE):
        encoded = sae.encode(part)
        errors.append((sae.decode(encoded) - part).pow(2).sum(-1).cpu())
        counts.append((encoded > 0).sum(-1).float().cpu())
        fired |= (encoded > 0).any(0).cpu()
    variance = (values - values.mean(0)).pow(2).sum(-1)
    return Errors(torch.cat(errors), variance, torch.cat(counts), int((~fired).sum()))


@dataclass(frozen=True, eq=False)
class Losses:
    """Mean next-token loss of each sequence, in nats: stream intact, reconstructed, and set to zero."""

    intact: Float[Tensor, " sequence"]
    reconstructed: Float[Tensor, " sequence"]
    zeroed: Float[Tensor, " sequence"]

    @property
    def recovered(self) -> float:
        """Share of the loss added by zeroing that the reconstruction avoids; 1 = all (sae-lens: ce_loss_score)."""
        lost = self.zeroed.mean() - self.intact.mean()
        return float((self.zeroed.mean() - self.reconstructed.mean()) / lost)


@torch.no_grad()
def downstream_losses(
    lm: LanguageModel,
    sae: Autoencoder,
    completions: Completions,
    *,
    place: HookPoint,
    rows: int = 64,
) -> Losses:
    """The losses over prompt and answer of every completion."""
    ids = [sequence.token_ids for sequence in of_answers(completions)]
    module = module_at(lm, place)

    def loss(edit: object) -> Tensor:
        with hooked_modules({module: edit} if edit else {}):  # type: ignore[dict-item]
            return torch.cat([_losses(lm, ids[at : at + rows]) for at in range(0, len(ids), rows)])

    def reconstruct(hidden: Tensor) -> Tensor:
        return sae.decode(sae.encode(hidden.float())).to(hidden)

    return Losses(loss(None), loss(reconstruct), loss(torch.zeros_like))


def _losses(lm: LanguageModel, sequences: list[tuple[int, ...]]) -> Float[Tensor, " sequence"]:
    ids, positions = pad_right(sequences, 0, lm.device)
    logits = first_tensor(lm.causal(input_ids=ids, use_cache=False).logits)[:, :-1].float()
    given = positions[:, 1:] != PADDING
    wanted = logits.log_softmax(-1).gather(-1, ids[:, 1:, None])[..., 0]
    return (-(wanted * given).sum(1) / given.sum(1)).cpu()
