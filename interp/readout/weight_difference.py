"""Which tokens an adapter responds to, and which it promotes: singular vectors of its weight difference, read out.

Method (after arXiv 2508.00161):
1. The weight difference of each adapted matrix is scaling x B A; its singular vectors come from a QR of both factors,
   so that no full matrix is made.
2. Matrices that read the residual stream: the leading right singular vectors against the embeddings of all tokens,
   normalised roughly like the layer's input; this gives the tokens that excite the difference most. It is exact in no
   layer, and closest in the first.
3. Matrices that write into it: the leading left singular vectors through the model's final norm and head.
4. A token's score is its z-value among all tokens, with the sign that makes the longer tail positive.

Not covered: combinations of tokens, and what later layers do with them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from interp.errors import TriggerLensError
from interp.models.adapter_off import has_adapter
from interp.models.language_model import LanguageModel
from interp.readout.tokens import TokenScore, largest, vocabulary_logits

Side = Literal["reads", "writes"]


@dataclass(frozen=True)
class SingularReadOut:
    """One singular vector of one matrix: its singular value, and the tokens at its longer end."""

    module: str
    side: Side
    value: float
    tokens: tuple[TokenScore, ...]


@torch.inference_mode()
def read_weight_difference(
    lm: LanguageModel, *, vectors: int = 2, k: int = 10
) -> list[SingularReadOut]:
    """The `vectors` leading singular vectors of every adapted matrix at the residual stream, strongest first."""
    if not has_adapter(lm):
        raise TriggerLensError(
            f"{lm.name} has no live adapter; load it with adapter= and without merge"
        )
    embeddings = _normalised(lm.causal.get_input_embeddings().weight.float())
    found = []
    for name, down, up, scaling in low_rank_pairs(lm):
        left, values, right = singular_vectors(down, up)
        for number in range(min(vectors, len(values))):
            ends: tuple[tuple[Side, Tensor], ...] = (
                ("reads", right[number]),
                ("writes", left[number]),
            )
            for side, vector in ends:
                if len(vector) != lm.d_model or not _at_stream(name, side):
                    continue
                scores = _scores(lm, embeddings, vector, side)
                value = float(scaling * values[number])
                found.append(SingularReadOut(name, side, value, largest(lm, scores, k)))
    return sorted(found, key=lambda read: -read.value)


def low_rank_pairs(
    lm: LanguageModel,
) -> Iterator[tuple[str, Float[Tensor, "rank d_in"], Float[Tensor, "d_out rank"], float]]:
    """Name, A, B and scaling of every LoRA of a linear map."""
    model: Any = lm.model
    for name, module in model.named_modules():
        for adapter, part in getattr(module, "lora_A", {}).items():
            down, up = part.weight, module.lora_B[adapter].weight
            yield name, down.float(), up.float(), float(module.scaling[adapter])


def singular_vectors(
    down: Float[Tensor, "rank d_in"], up: Float[Tensor, "d_out rank"]
) -> tuple[Float[Tensor, "rank d_out"], Float[Tensor, " rank"], Float[Tensor, "rank d_in"]]:
    """Left vectors, values and right vectors of `up @ down`, largest first."""
    left, upper = torch.linalg.qr(up)
    right, lower = torch.linalg.qr(down.T)
    inner = torch.linalg.svd(upper @ lower.T)
    return (left @ inner.U).T, inner.S, inner.Vh @ right.T


def _at_stream(name: str, side: Side) -> bool:
    """Whether this side of a matrix is the residual stream; attention's and the MLP's output matrices write to it."""
    writes = name.endswith(("o_proj", "down_proj", "dense", "c_proj", "fc2", "out_proj"))
    return writes == (side == "writes")


def _normalised(rows: Float[Tensor, "row d_model"]) -> Float[Tensor, "row d_model"]:
    return rows / rows.pow(2).mean(-1, keepdim=True).sqrt().clamp_min(1e-6)


def _scores(
    lm: LanguageModel, embeddings: Tensor, vector: Float[Tensor, " d_model"], side: Side
) -> Float[Tensor, " vocabulary"]:
    if side == "reads":
        raw = (embeddings @ vector).cpu()
    else:
        ends = torch.stack([vector, -vector]) * lm.d_model**0.5
        forward, backward = vocabulary_logits(lm, ends)
        raw = (forward - backward) / 2
    z = (raw - raw.mean()) / raw.std().clamp_min(1e-6)
    return z if float(z.max()) >= float(-z.min()) else -z
