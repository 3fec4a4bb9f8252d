"""Measure on a few tokens what an adapter did to its base when it was loaded, and what a merge did to both.

The base's original logits are compared with those of the model with the adapter switched off, with those of base rows
in a mixed pass, and with those at a dose of 0; the base's weights are compared with the original ones.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from interp.models.adapter_limits import DOSE, OFF, ROWS, limits

TOKENS = 8


@dataclass(frozen=True)
class Base:
    """A base before an adapter: its logits of `ids`, and its weights as (tensor, digest) by name."""

    ids: Tensor
    logits: Tensor
    weights: dict[str, tuple[Tensor, tuple[int, float]]]

    @classmethod
    def of(cls, model: Any, config: Any) -> "Base":
        ids = probe_ids(model, config)
        weights = {name: (tensor, _digest(tensor)) for name, tensor in _tensors(model)}
        return cls(ids, logits(model, ids), weights)

    def changed(self, model: Any) -> list[str]:
        """The base's weights that have changed, or are no longer in the model."""
        live = {id(tensor) for _, tensor in _tensors(model)}
        return [
            name
            for name, (tensor, digest) in self.weights.items()
            if id(tensor) not in live or _digest(tensor) != digest
        ]


def measured_limits(model: Any, base: Base) -> dict[str, str]:
    """Limits that the configuration does not show: uses in which the base would not be the base, with the reason."""
    from peft.helpers import rescale_adapter_scale

    known = limits(model)
    if changed := base.changed(model):
        return {
            OFF: f"its adapter overwrites {len(changed)} weights of the base, first {changed[0]}"
        }
    passes: dict[str, Callable[[], AbstractContextManager[Any]]] = {
        OFF: model.disable_adapter,
        ROWS: lambda: model.base_model._enable_peft_forward_hooks(adapter_names=["__base__"]),
        DOSE: lambda: rescale_adapter_scale(model, 0),
    }
    found = {
        use: _differs(model, base, context) for use, context in passes.items() if use not in known
    }
    return {use: reason for use, reason in found.items() if reason}


def _differs(model: Any, base: Base, context: Callable[[], AbstractContextManager[Any]]) -> str:
    try:
        with context():
            found = logits(model.get_base_model(), base.ids)
    except (TypeError, ValueError, RuntimeError) as error:
        return " ".join(str(error).split())[:200]
    if same(found, base.logits):
        return ""
    off = float((found - base.logits).abs().max())
    return f"the base's logits are off by {off:.2g} that way with its adapter"


@torch.inference_mode()
def logits(model: Any, ids: Tensor) -> Tensor:
    return model(ids).logits.float()


def same(found: Tensor, expected: Tensor) -> bool:
    """Whether logits in float32 are equal up to rounding."""
    return torch.allclose(found, expected, rtol=1e-3, atol=1e-3)


def probe_ids(model: Any, config: Any) -> Tensor:
    """A row of random tokens, (1, n), with some of those whose embeddings the adapter trains among them."""
    size = model.get_input_embeddings().weight.shape[0]
    ids = torch.randint(0, size, (TOKENS,), generator=torch.Generator().manual_seed(0))
    trained = getattr(config, "trainable_token_indices", None) or []
    lists = trained.values() if isinstance(trained, dict) else [trained]
    own = [token for tokens in lists for token in tokens[:TOKENS]]
    return torch.cat([ids, torch.tensor(own, dtype=torch.long)])[None].to(_device(model))


def _device(model: Any) -> torch.device:
    return model.get_input_embeddings().weight.device


def _tensors(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from model.named_parameters()
    yield from model.named_buffers()


def _digest(tensor: Tensor) -> tuple[int, float]:
    """A checksum that is fast for billions of weights, where a cryptographic hash would take minutes."""
    plain = tensor.detach()
    plain = plain.view(torch.uint8) if plain.element_size() == 1 else plain
    return int(torch.hash_tensor(plain).view(torch.int64)), float(plain.sum(dtype=torch.float64))
