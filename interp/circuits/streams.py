"""One run, decomposed: what each node writes into the residual stream, and the stream that each port reads.

Method:
1. A head writes its share of the output projection's result. Where a family normalises a block's output before adding
   it (Gemma 2 and 3), a head's share is scaled as that run's norm scaled the whole, so shares still add up.
2. Ports read the stream before their own norm; the norm is part of what they do with it.
3. `check` compares the sum of what was written with what every port reads, so that a model built otherwise (parallel
   blocks, biases after the heads, norms that subtract a mean) is refused instead of misread.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from interp.capture.hook_points import HookPoint, first_tensor, module_at, output_projection
from interp.circuits.graph import INPUTS, LOGITS, MLP, Graph, Port
from interp.errors import TriggerLensError
from interp.models.language_model import LanguageModel

TOLERANCE = 1e-3  # of the stream's largest value, in float32
Stream = Float[Tensor, "pair token d_model"]


@dataclass(frozen=True)
class Block:
    """The modules of a decoder layer that a circuit needs."""

    norm: nn.Module
    inputs: dict[str, nn.Module]
    heads: nn.Module  # the output projection
    after_heads: nn.Module | None  # the norm between it and the stream
    mlp_norm: nn.Module


def blocks(lm: LanguageModel) -> list[Block]:
    """The blocks of every layer; a layer of another architecture is refused."""
    return [_block(lm, layer) for layer in range(lm.n_layers)]


def _block(lm: LanguageModel, number: int) -> Block:
    layer: Any = lm.layers[number]
    heads = output_projection(lm, number)
    doubled = hasattr(layer, "pre_feedforward_layernorm")
    try:
        norms = layer.input_layernorm, layer.post_attention_layernorm
        inputs = {kind: getattr(layer.self_attn, f"{kind}_proj") for kind in INPUTS}
    except AttributeError as error:
        raise TriggerLensError(
            f"{lm.name}: layer {number} of {type(layer).__name__} is not built of norms and q_proj, k_proj, v_proj"
            f" ({error}); patch heads or attn_out instead"
        ) from None
    mlp_norm = layer.pre_feedforward_layernorm if doubled else norms[1]
    return Block(norms[0], inputs, heads, norms[1] if doubled else None, mlp_norm)


@dataclass(frozen=True, eq=False)
class Streams:
    """`writes[i]` is what node i of the graph adds; `before` and `middle` are streams by layer, `after` the last."""

    graph: Graph
    writes: Float[Tensor, "node pair token d_model"]
    before: list[Stream]
    middle: list[Stream]
    after: Stream

    @classmethod
    @torch.no_grad()
    def of(cls, lm: LanguageModel, ids: Int[Tensor, "pair token"]) -> "Streams":
        """Run once and decompose."""
        graph, parts = Graph.of(lm), blocks(lm)
        with reading(lm, parts) as seen:
            lm.decoder(input_ids=ids, use_cache=False)
        writes = [seen["before", 0][None]]
        for layer, block in enumerate(parts):
            writes.append(head_writes(graph, block, seen["heads", layer]))
            writes.append(seen["mlp", layer][None])
        every = range(lm.n_layers)
        before, middle = ([seen[kind, layer] for layer in every] for kind in ("before", "middle"))
        found = cls(graph, torch.cat(writes), before, middle, seen["after", lm.n_layers - 1])
        found.check(lm.name)
        return found

    def read_by(self, port: Port) -> Stream:
        """The stream that a port reads, before its norm."""
        if port.kind == LOGITS:
            return self.after
        return (self.middle if port.kind == MLP else self.before)[port.layer]

    def check(self, name: str) -> None:
        """Raise unless every port reads the sum of what was written before it."""
        sums = self.writes.float().cumsum(0)
        for port in self.graph.ports:
            last = int(self.graph.edges[:, self.graph.ports.index(port)].nonzero().max())
            read = self.read_by(port).float()
            off = float((sums[last] - read).abs().max() / read.abs().max())
            if not off < max(TOLERANCE, 8 * torch.finfo(self.after.dtype).eps):
                raise TriggerLensError(
                    f"{name}: {port} does not read the sum of what heads and MLPs before it write (off by {off:.2g} of"
                    " it), so this model has no circuit of these nodes; patch attn_out and mlp_out instead"
                )


def head_writes(
    graph: Graph, block: Block, heads: Float[Tensor, "pair token width"]
) -> Float[Tensor, "head pair token d_model"]:
    """Each head's share of what attention adds, from the concatenated outputs of all heads; hooks are bypassed."""
    owner = torch.arange(heads.shape[-1], device=heads.device) // (heads.shape[-1] // graph.heads)
    alone = torch.stack([heads * (owner == head) for head in range(graph.heads)])
    shares = block.heads.forward(alone.flatten(0, 1)).view(*alone.shape[:3], -1)
    if block.after_heads is None:
        return shares
    return shares * _scale(block.after_heads.forward, block.heads.forward(heads))


def _scale(norm: Callable[[Tensor], Tensor], total: Stream) -> Stream:
    """The factor by which a root-mean-square norm multiplies each coordinate at each token."""
    gain = norm(torch.ones_like(total[:1, :1]))
    gained = total * gain
    size = (norm(total) * gained).sum(-1, keepdim=True) / gained.square().sum(-1, keepdim=True)
    return size * gain


def head_slice(graph: Graph, port: Port, width: int) -> slice:
    """The columns of a q, k or v projection's output that belong to a port."""
    each = width // (graph.heads if port.kind == "q" else graph.groups)
    return slice(port.index * each, (port.index + 1) * each)


@contextmanager
def reading(lm: LanguageModel, parts: list[Block]) -> Iterator[dict[tuple[str, int], Tensor]]:
    """Record for each layer: stream before, stream before the MLP, concatenated heads, what the MLP adds, stream after;
    and the outputs of the q, k and v projections and of the MLP's norm, where gradients are taken."""
    seen: dict[tuple[str, int], Tensor] = {}

    def before(kind: str, layer: int) -> Callable[..., None]:
        return lambda _module, inputs: seen.update({(kind, layer): inputs[0]})

    def after(kind: str, layer: int) -> Callable[..., None]:
        return lambda _module, _inputs, output: seen.update({(kind, layer): first_tensor(output)})

    with ExitStack() as stack:
        for layer, block in enumerate(parts):
            taken: list[Any] = [
                block.norm.register_forward_pre_hook(before("before", layer)),
                block.mlp_norm.register_forward_pre_hook(before("middle", layer)),
                block.heads.register_forward_pre_hook(before("heads", layer)),
                block.mlp_norm.register_forward_hook(after("into_mlp", layer)),
                module_at(lm, HookPoint(layer, "mlp_out")).register_forward_hook(
                    after("mlp", layer)
                ),
                lm.layers[layer].register_forward_hook(after("after", layer)),
            ]
            taken += [
                block.inputs[kind].register_forward_hook(after(kind, layer)) for kind in INPUTS
            ]
            for handle in taken:
                stack.callback(handle.remove)
        yield seen
