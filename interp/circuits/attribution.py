"""Edge attribution patching with integrated gradients: every edge of a model from a handful of passes.

Method (EAP, Syed et al. 2023; with integrated gradients, Hanna et al. 2024):
1. Run the clean and the corrupt prompt of each pair, which have equally many tokens, and record what every node writes.
2. Run the model on embeddings at `steps` points between the corrupt and the clean ones, and take the gradient of the
   metric at the input of every port, through the port's own norm.
3. edge = (clean write - corrupt write) . mean gradient at the port, summed over tokens. A node's score is the sum over
   its edges, because all ports read the same stream.

Passes: 2 + `steps` forward and `steps` backward for each term of the metric, whatever the number of edges.
Scores are approximations; `interp.circuits.exact` computes exact effects.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interp.circuits.graph import INPUTS, LOGITS, MLP, Graph, Port
from interp.circuits.runs import Runs, of_one_length
from interp.circuits.scores import EdgeScores
from interp.circuits.streams import Block, blocks, head_slice, reading
from interp.io.validation import check_count
from interp.models.language_model import LanguageModel
from interp.patching.maps import weighted_terms
from interp.patching.metrics import Metric
from interp.patching.pairs import Pair

STEPS = 5


def edge_scores(
    lm: LanguageModel,
    pairs: Sequence[Pair],
    metric: Metric | Sequence[Metric],
    *,
    steps: int = STEPS,
) -> EdgeScores:
    """Attribution scores of every edge in every pair; in the metric's unit, positive towards the clean run."""
    check_count("steps", steps)
    of_one_length(pairs)
    found: EdgeScores | None = None
    for weight, terms in weighted_terms(metric, pairs):
        one = _of_term(Runs.of(lm, pairs, terms), steps).times(weight)
        found = one if found is None else found.plus(one)
    assert found is not None
    return found


def _of_term(runs: Runs, steps: int) -> EdgeScores:
    graph, change = runs.graph, runs.change
    gradients = torch.zeros((), device=change.device)
    for step in range(steps):
        gradients = gradients + _gradients(runs, (step + 0.5) / steps) / steps
    products = [
        torch.einsum("npth,pth->pnt", change, gradient).float().cpu() for gradient in gradients
    ]
    known = graph.edges
    by_port = torch.stack(products, 2) * known[None, :, :, None]  # pair node port token
    numbers = by_port.sum(3), by_port.sum(2), by_port.sum(1)
    clean, corrupt = (runs.value(each).cpu() for each in (runs.clean, runs.corrupt))
    return EdgeScores(graph, *numbers, clean, corrupt, forward=2 + steps, backward=steps)


def _gradients(runs: Runs, share: float) -> Float[Tensor, "port pair token d_model"]:
    """The gradient at every port's input, at one point between corrupt and clean."""
    lm, parts = runs.lm, blocks(runs.lm)
    start, end = runs.corrupt.writes[0], runs.clean.writes[0]
    stream = (start + share * (end - start)).requires_grad_()
    last = ("after", lm.n_layers - 1)
    with torch.enable_grad():
        with reading(lm, parts) as seen:
            normed = _normed(lm, runs.ids, stream)
        value = runs.value_of(normed).sum()
        wanted = [(k, n) for n in range(lm.n_layers) for k in (*INPUTS, "into_mlp")] + [last]
        taken = torch.autograd.grad(value, [seen[key] for key in wanted], allow_unused=True)
    kept = {
        key: torch.zeros_like(seen[key]) if gradient is None else gradient
        for key, gradient in zip(wanted, taken, strict=True)
    }
    return torch.stack([_at_port(runs.graph, parts, seen, kept, port) for port in runs.graph.ports])


def _normed(lm: LanguageModel, ids: Int[Tensor, "pair token"], stream: Tensor) -> Tensor:
    """The decoder's output for these embeddings, which are already scaled if the family scales them."""
    handle = lm.layers[0].register_forward_pre_hook(
        lambda _module, inputs, named: ((stream, *inputs[1:]), named), with_kwargs=True
    )
    try:
        return lm.decoder(input_ids=ids, use_cache=False).last_hidden_state
    finally:
        handle.remove()


def _at_port(
    graph: Graph,
    parts: list[Block],
    seen: dict[tuple[str, int], Tensor],
    kept: dict[tuple[str, int], Tensor],
    port: Port,
) -> Float[Tensor, "pair token d_model"]:
    """The gradient after a port's norm, propagated back to the norm's input."""
    if port.kind == LOGITS:
        return kept["after", port.layer - 1]
    block, mlp = parts[port.layer], port.kind == MLP
    x = seen["middle" if mlp else "before", port.layer].detach().requires_grad_()
    with torch.enable_grad():
        if mlp:
            return torch.autograd.grad(block.mlp_norm(x), x, kept["into_mlp", port.layer])[0]
        read = block.inputs[port.kind](block.norm(x))
    gradient, own = kept[port.kind, port.layer], head_slice(graph, port, read.shape[-1])
    masked = torch.zeros_like(gradient)
    masked[..., own] = gradient[..., own]
    return torch.autograd.grad(read, x, masked)[0]
