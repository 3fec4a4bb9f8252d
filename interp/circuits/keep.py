"""Run a model in which only some edges carry the clean prompt, and measure how much of the metric is left.

Method: the model runs on the clean prompt, but over every edge outside the circuit a port reads what the node wrote in
the corrupt run. With `m` the metric of such a run,

    faithfulness(C) = (m(C) - m(no edge)) / (m(all edges) - m(no edge)): 1 if the circuit does what the model does
    completeness(C) = faithfulness of all edges but C: 0 if nothing outside the circuit does

(Wang et al. 2023; Marks et al. 2024; Hanna et al. 2024). Random circuits of the same size serve as controls.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from interp.capture.hook_points import HookPoint, first_tensor, module_at
from interp.circuits.graph import INPUTS, Graph, Port
from interp.circuits.runs import Runs, of_one_length
from interp.circuits.scores import EdgeScores
from interp.circuits.streams import Block, blocks, head_slice, head_writes
from interp.errors import TriggerLensError
from interp.models.language_model import LanguageModel
from interp.patching.maps import weighted_terms
from interp.patching.metrics import Metric
from interp.patching.pairs import Pair

if TYPE_CHECKING:
    import plotly.graph_objects

SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
Circuits = Bool[Tensor, "circuit node port"]


@dataclass(frozen=True, eq=False)
class Curves:
    """Faithfulness and completeness of the circuit and of random circuits of the same size, by size and pair."""

    sizes: tuple[int, ...]
    edges: int
    faithfulness: Float[Tensor, "size pair"]
    completeness: Float[Tensor, "size pair"]
    random_faithfulness: Float[Tensor, "draw size pair"]
    random_completeness: Float[Tensor, "draw size pair"]

    def plot(self) -> "plotly.graph_objects.Figure":
        """Means over pairs; random circuits with the range of their draws."""
        from interp.circuits.figures import curves

        return curves(self)


def circuit_curves(
    lm: LanguageModel,
    pairs: Sequence[Pair],
    metric: Metric | Sequence[Metric],
    scores: EdgeScores,
    *,
    shares: Sequence[float] = SHARES,
    draws: int = 5,
    seed: int = 0,
) -> Curves:
    """Faithfulness and completeness of the strongest edges; compute `scores` on other pairs than these."""
    known = scores.graph.edges
    sizes = tuple(sorted({max(1, round(share * scores.graph.n_edges)) for share in shares}))
    generator = torch.Generator().manual_seed(seed)
    rows = [torch.stack([scores.circuit(size) for size in sizes])]
    for _ in range(draws):
        order = torch.rand(known.shape, generator=generator).masked_fill(~known, -1).flatten()
        rows.append(torch.stack([_largest(order, size, known) for size in sizes]))
    kept = torch.stack(rows)
    both = torch.cat([kept.flatten(0, 1), (known & ~kept).flatten(0, 1)])
    found = faithfulness(lm, pairs, metric, both).view(2, draws + 1, len(sizes), len(pairs))
    (faithful, complete), (other, others) = found[:, 0], found[:, 1:]
    return Curves(sizes, scores.graph.n_edges, faithful, complete, other, others)


def _largest(
    order: Float[Tensor, " edge"], size: int, known: Bool[Tensor, "node port"]
) -> Bool[Tensor, "node port"]:
    kept = torch.zeros(len(order), dtype=torch.bool)
    kept[order.topk(size).indices] = True
    return kept.view(known.shape)


@torch.no_grad()
def faithfulness(
    lm: LanguageModel,
    pairs: Sequence[Pair],
    metric: Metric | Sequence[Metric],
    circuits: Circuits,
) -> Float[Tensor, "circuit pair"]:
    """The share of the metric's difference between corrupt and clean that each circuit alone restores."""
    of_one_length(pairs)
    graph = Graph.of(lm)
    if circuits.shape[1:] != graph.edges.shape:
        raise TriggerLensError(
            f"circuits of {list(circuits.shape[1:])} nodes and ports for a model of {list(graph.edges.shape)}"
        )
    ends = torch.stack([torch.zeros_like(graph.edges), graph.edges])
    total: Tensor | float = 0.0
    for weight, terms in weighted_terms(metric, pairs):
        runs = Runs.of(lm, pairs, terms)
        values = [_value(runs, circuit.to(lm.device)) for circuit in torch.cat([ends, circuits])]
        total = total + weight * torch.stack(values)
    assert isinstance(total, Tensor)
    nothing, everything = total[0], total[1]
    return ((total[2:] - nothing) / (everything - nothing)).cpu()


def _value(runs: Runs, kept: Bool[Tensor, "node port"]) -> Float[Tensor, " pair"]:
    """The metric on the clean prompt when edges outside `kept` carry the corrupt run."""
    cut = _Cut(runs, ~kept & runs.graph.edges.to(kept.device))
    with ExitStack() as stack:
        for layer, block in enumerate(blocks(runs.lm)):
            cut.install(stack, layer, block)
        normed = runs.lm.decoder(input_ids=runs.clean_ids, use_cache=False).last_hidden_state
    return runs.value_of(normed)


class _Cut:
    """Hooks that subtract from what each port reads the change (clean - corrupt) that came over cut edges."""

    def __init__(self, runs: Runs, cut: Bool[Tensor, "node port"]):
        self.runs, self.cut = runs, cut
        self.changes: list[Tensor] = []  # of each node so far: its write minus the corrupt run's

    def install(self, stack: ExitStack, layer: int, block: Block) -> None:
        lm, last = self.runs.lm, layer == self.runs.lm.n_layers - 1
        hooks: list[Any] = [
            block.norm.register_forward_pre_hook(self._begin(layer)),
            block.heads.register_forward_pre_hook(self._heads(block)),
            block.mlp_norm.register_forward_pre_hook(
                lambda _module, inputs: (self._read(inputs[0], Port(layer, "mlp")),)
            ),
            module_at(lm, HookPoint(layer, "mlp_out")).register_forward_hook(
                lambda _module, _inputs, output: self._wrote(first_tensor(output)[None])
            ),
        ]
        hooks += [
            block.inputs[kind].register_forward_hook(self._project(layer, block, kind))
            for kind in INPUTS
        ]
        if last:
            hooks.append(lm.layers[layer].register_forward_hook(self._end(layer)))
        for handle in hooks:
            stack.callback(handle.remove)

    def _begin(self, layer: int) -> Any:
        def begin(_module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            self.stream = inputs[0]
            if layer == 0:
                self._wrote(inputs[0][None])

        return begin

    def _end(self, layer: int) -> Any:
        def end(_module: nn.Module, _inputs: Any, output: Any) -> Any:
            read = self._read(first_tensor(output), Port(layer + 1, "logits"))
            return read if isinstance(output, Tensor) else (read, *output[1:])

        return end

    def _heads(self, block: Block) -> Any:
        return lambda _module, inputs: self._wrote(head_writes(self.runs.graph, block, inputs[0]))

    def _wrote(self, writes: Float[Tensor, "node pair token d_model"]) -> None:
        first = sum(map(len, self.changes))
        self.changes.append(writes - self.runs.corrupt.writes[first : first + len(writes)])

    def _read(self, stream: Tensor, port: Port) -> Tensor:
        """The stream that a port reads, with the changes over its cut edges removed."""
        changes = torch.cat(self.changes)
        cut = self.cut[: len(changes), self.runs.graph.ports.index(port)]
        return stream - torch.einsum("n,npth->pth", cut.to(changes.dtype), changes)

    def _project(self, layer: int, block: Block, kind: str) -> Any:
        projection, graph = block.inputs[kind].forward, self.runs.graph

        def project(_module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
            output = output.clone()
            for port in graph.ports:
                if (port.layer, port.kind) == (layer, kind):
                    own = head_slice(graph, port, output.shape[-1])
                    read = block.norm.forward(self._read(self.stream, port))
                    output[..., own] = projection(read)[..., own]
            return output

        return project
