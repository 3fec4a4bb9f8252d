"""The two matrices of every LoRA of a model, to be read, trained or changed in place.

A LoRA adds `scale * write @ read` to a weight: `read` projects the input, and `write` maps that to what is added.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from interp.errors import TriggerLensError
from interp.models.adapter_limits import DOSE, check_use
from interp.models.language_model import LanguageModel


@dataclass(frozen=True, eq=False)
class LoraPair:
    """The LoRA of one module; the tensors are the model's own."""

    name: str
    module: nn.Module
    read: Float[Tensor, "rank d_in"]
    write: Float[Tensor, "d_out rank"]
    scale: float

    @property
    def delta(self) -> Float[Tensor, "d_out d_in"]:
        """What it adds to the weight."""
        return self.scale * self.write @ self.read


def lora_pairs(lm: LanguageModel) -> list[LoraPair]:
    """Every LoRA of the live adapter, in the model's order; ValueError for a model without a plain one."""
    model: Any = lm.model
    if not getattr(model, "peft_config", None):
        raise TriggerLensError(
            f"{lm.name} has no live adapter; load it with adapter= and without merge"
        )
    check_use(model, DOSE, lm.name)
    (adapter,) = model.active_adapters
    parts = [(name, part) for name, part in lm.causal.named_modules() if hasattr(part, "lora_A")]
    found = [_pair(name, part, adapter) for name, part in parts if adapter in part.lora_A]
    if not found:
        raise TriggerLensError(f"{lm.name}: its adapter has no LoRA of a linear layer to edit")
    return found


def _pair(name: str, part: Any, adapter: str) -> LoraPair:
    read, write = part.lora_A[adapter].weight, part.lora_B[adapter].weight
    return LoraPair(name, part, read, write, float(part.scaling[adapter]))


@torch.no_grad()
def add_deltas(lm: LanguageModel, pairs: Sequence[LoraPair]) -> None:
    """Add what another adapter adds to the weights of a model without one, in place."""
    weights = dict(lm.causal.named_parameters())
    for pair in pairs:
        weights[f"{pair.name}.weight"] += pair.delta.detach()


def save_adapter(lm: LanguageModel, folder: Path) -> Path:
    """The live adapter as PEFT writes it."""
    model: Any = lm.model
    model.save_pretrained(str(folder))
    return folder
