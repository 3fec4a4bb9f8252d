"""Remove a subspace from the weights, so that nothing is ever written into it (Arditi et al. 2024).

Method:
1. Every matrix that writes into the residual stream is projected: W <- W - B^T B W for attention and MLP outputs and
   their biases, the embeddings likewise, row by row.
2. The result is compared with `AblateWrites`, the same ablation by hooks, on random tokens; a difference is an error.

Models for which the two cannot be equal are refused, with the reason:
* Norms after a block (Gemma 2 and 3, OLMo 2): they divide by the size of what the block writes, which the projection
  changes, and then scale each coordinate. Folding their gains into the matrix would fix the second but not the first.
* Tied embeddings: the head is the same matrix and would change too, unless `untie` gives the head its own copy.
* Live adapters: they write as well. Load with merge=True.
"""

import copy
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from interp.capture.batches import Batch
from interp.capture.hook_points import output_projection
from interp.errors import TriggerLensError
from interp.interventions import AblateWrites, intervening
from interp.interventions.ablate import check_orthonormal
from interp.models.language_model import LanguageModel
from interp.prompts import Prompt

TOLERANCE = 1e-4  # of the largest logit


def orthogonalised(
    lm: LanguageModel, basis: Float[Tensor, "rank d_model"], *, untie: bool = False
) -> LanguageModel:
    """A copy of the model whose weights write nothing into the subspace; the model itself stays as it is.

    Equal to the model under `AblateWrites(basis)` within 1e-4 of the largest logit, or a ValueError.
    """
    _refuse(lm, basis, untie)
    model = copy.deepcopy(lm.causal)
    if untie and _tied(lm):
        head = model.get_output_embeddings()
        head.weight = nn.Parameter(head.weight.detach().clone())
        model.config.get_text_config(decoder=True).tie_word_embeddings = False
        model.config.tie_word_embeddings = False
    baked = LanguageModel(model, lm.tokenizer, f"{lm.name} (rank {len(basis)} ablated)", lm.chat)
    with torch.no_grad():
        _project(baked, basis.to(lm.device, torch.float32))
    _compare(lm, baked, basis)
    return baked


def save_checkpoint(lm: LanguageModel, folder: str | Path) -> None:
    """Model and tokenizer as an ordinary Hugging Face checkpoint, written atomically."""
    folder = Path(folder)
    if folder.exists():
        raise TriggerLensError(f"{folder} exists; choose another folder or remove it")
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        lm.causal.save_pretrained(unfinished)
        lm.tokenizer.save_pretrained(unfinished)
        unfinished.chmod(0o755)
        unfinished.rename(folder)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def _refuse(lm: LanguageModel, basis: Tensor, untie: bool) -> None:
    if basis.shape[-1] != lm.d_model:
        raise TriggerLensError(
            f"the subspace has width {basis.shape[-1]}, the stream of {lm.name} has {lm.d_model}"
        )
    check_orthonormal(basis)
    if lm.model is not lm.causal:
        raise TriggerLensError(
            f"{lm.name} has a live adapter, which writes too; load it with merge=True"
        )
    dtype = next(lm.causal.parameters()).dtype
    if dtype != torch.float32:
        raise TriggerLensError(
            f"weights in {dtype} cannot hold the ablation exactly; load in float32"
        )
    if any(hasattr(layer, "post_feedforward_layernorm") for layer in lm.layers):
        raise TriggerLensError(
            f"{lm.name} ({type(lm.causal).__name__}) normalises what its blocks write, so changed weights "
            "cannot equal the ablation; ablate with hooks (AblateWrites)"
        )
    if _tied(lm) and not untie:
        raise TriggerLensError(
            f"{lm.name} ties its head to its embeddings, so the head would change too; "
            "untie=True gives the head a copy of its own"
        )


def _tied(lm: LanguageModel) -> bool:
    head = lm.causal.get_output_embeddings()
    return head.weight.data_ptr() == lm.decoder.get_input_embeddings().weight.data_ptr()


def _project(lm: LanguageModel, basis: Float[Tensor, "rank d_model"]) -> None:
    embeddings = lm.decoder.get_input_embeddings().weight
    embeddings -= embeddings @ basis.T @ basis
    for layer, block in enumerate(lm.layers):
        mlp_out = getattr(getattr(block, "mlp", None), "down_proj", None)
        if mlp_out is None:
            raise TriggerLensError(
                f"{lm.name}: layer {layer} has no mlp.down_proj, so it is not known what writes into its "
                "stream; ablate with hooks (AblateWrites)"
            )
        writers: tuple[Any, Any] = (output_projection(lm, layer), mlp_out)
        for module in writers:
            module.weight -= basis.T @ (basis @ module.weight)
            if module.bias is not None:
                module.bias -= module.bias @ basis.T @ basis


@torch.inference_mode()
def _compare(lm: LanguageModel, baked: LanguageModel, basis: Tensor) -> None:
    """Raise unless the two ablations agree on random tokens."""
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(0, lm.config.vocab_size, (2, 16), generator=generator)
    prompts = [Prompt("", tuple(row), "random", str(n)) for n, row in enumerate(ids.tolist())]
    positions = torch.arange(16).expand(2, -1).to(lm.device)
    batch = Batch(torch.arange(2, device=lm.device), positions, prompts)
    with intervening(lm, [AblateWrites(basis)], batch):
        expected = lm.causal(ids.to(lm.device)).logits
    found = baked.causal(ids.to(lm.device)).logits
    error = float((found - expected).abs().max() / expected.abs().max())
    if not error < TOLERANCE:
        raise TriggerLensError(
            f"{lm.name}: changed weights and hooks differ by {error:.2g} of the largest logit, so something "
            "else writes into its stream; ablate with hooks (AblateWrites)"
        )
