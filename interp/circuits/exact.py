"""Exact edge patching: the ground truth that attribution is checked against.

Method: in the corrupt run, one port reads the stream with one node's write replaced by the clean run's; everything else
stays the same. Only the layers from the port's on are computed again (`interp.patching.recorded_run`), so an edge
costs part of a forward pass. A model has thousands of edges: this is for small models and for checks.
"""

from collections.abc import Sequence
from contextlib import ExitStack

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from interp.circuits.graph import LOGITS, MLP, Graph, Port
from interp.circuits.runs import Runs, of_one_length
from interp.circuits.scores import EdgeScores
from interp.circuits.streams import Block, blocks, head_slice
from interp.models.language_model import LanguageModel
from interp.patching.maps import BATCH_TOKENS, weighted_terms
from interp.patching.metrics import Metric, Term
from interp.patching.pairs import Pair
from interp.patching.runs import Sweep

VERIFIED = 10


@torch.no_grad()
def exact_edges(
    lm: LanguageModel,
    pairs: Sequence[Pair],
    metric: Metric | Sequence[Metric],
    *,
    edges: Bool[Tensor, "node port"] | None = None,
    batch_tokens: int = BATCH_TOKENS,
) -> Float[Tensor, "pair node port"]:
    """How much each edge, patched alone into the corrupt run, raises the metric; 0 where there is no edge.

    `edges` selects the edges to patch, and the others are 0; None patches all of them.
    """
    of_one_length(pairs)
    known = Graph.of(lm).edges
    asked = known if edges is None else edges & known
    return sum(
        weight * _of_term(lm, pairs, terms, asked, batch_tokens)
        for weight, terms in weighted_terms(metric, pairs)
    )  # type: ignore[return-value]


def _of_term(
    lm: LanguageModel,
    pairs: Sequence[Pair],
    terms: Sequence[Term],
    edges: Bool[Tensor, "node port"],
    batch_tokens: int,
) -> Float[Tensor, "pair node port"]:
    runs, sweep = Runs.of(lm, pairs, terms), Sweep.of(lm, pairs, terms)
    graph, change, parts = runs.graph, runs.change, blocks(lm)
    found = torch.zeros(len(pairs), len(graph.nodes), len(graph.ports))
    start = min(min(pair.first_difference for pair in pairs), int(sweep.corrupt_run.read.min()))
    at_once = max(1, batch_tokens // (len(pairs) * (sweep.corrupt_run.width - start)))
    for number, port in enumerate(graph.ports):
        nodes = edges[:, number].nonzero().flatten().tolist()
        for first in range(0, len(nodes), at_once):
            chosen = nodes[first : first + at_once]
            streams = [_after(sweep, parts, port, change[node]) for node in chosen]
            values = _values(sweep, port, torch.cat([each[:, start:] for each in streams]), start)
            found[:, chosen, number] = (values.view(len(chosen), -1) - sweep.corrupt).T.cpu()
    return found


def _values(sweep: Sweep, port: Port, streams: Tensor, start: int) -> Tensor:
    layer = min(port.layer, sweep.lm.n_layers - 1)
    rows = torch.arange(len(sweep.pairs), device=sweep.lm.device)
    return sweep.patched(rows, start, lambda at: streams if at == layer else None)


def _after(
    sweep: Sweep, parts: list[Block], port: Port, change: Float[Tensor, "pair token d_model"]
) -> Float[Tensor, "pair token d_model"]:
    """The stream after a port's layer when the port alone reads a changed stream."""
    run = sweep.corrupt_run
    if port.kind == LOGITS:
        return run.after(port.layer - 1) + change
    block = parts[port.layer]
    with ExitStack() as stack:
        if port.kind == MLP:
            changed = block.mlp_norm.register_forward_pre_hook(
                lambda _module, inputs: (inputs[0] + change,)
            )
        else:
            projection = block.inputs[port.kind]
            read = projection(block.norm(run.inputs[port.layer] + change))

            def put(_module: object, _inputs: object, output: Tensor) -> Tensor:
                own = head_slice(Graph.of(sweep.lm), port, output.shape[-1])
                output = output.clone()
                output[..., own] = read[..., own]
                return output

            changed = projection.register_forward_hook(put)
        stack.callback(changed.remove)
        return run.again(port.layer)


def verified(
    lm: LanguageModel,
    pairs: Sequence[Pair],
    metric: Metric | Sequence[Metric],
    scores: EdgeScores,
    number: int = VERIFIED,
) -> EdgeScores:
    """The same scores with those of the strongest edges replaced by exact ones (as in AtP*, Kramar et al. 2024).

    One partial forward pass for each edge and term. Sums by node and by token keep their attribution scores.
    """
    strongest = scores.circuit(min(number, scores.graph.n_edges))
    exact = exact_edges(lm, pairs, metric, edges=strongest)
    terms = len(weighted_terms(metric, pairs))
    return scores.with_exact(exact, int(strongest.sum()), terms)
