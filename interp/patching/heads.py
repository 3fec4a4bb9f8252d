"""Which attention heads carry a difference: each head's output patched at all tokens, from the clean run.

Method: as in `interp.patching.maps`, but a cell is one head at all aligned tokens instead of one token. A head's output
is its share of the input of the layer's output projection; with grouped queries, heads are query heads.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from interp.capture.hook_points import HEADS, HookPoint, output_projection
from interp.capture.sites import check_layers
from interp.io.validation import check_count
from interp.models.language_model import LanguageModel
from interp.patching.maps import BATCH_TOKENS, PatchingMap, joined, weighted_sum, weighted_terms
from interp.patching.metrics import Metric
from interp.patching.pairs import Pair
from interp.patching.runs import Sweep, groups


@torch.no_grad()
def head_patching_map(
    lm: LanguageModel,
    pairs: Sequence[Pair],
    metric: Metric | Sequence[Metric],
    *,
    layers: Sequence[int] | None = None,
    batch_tokens: int = BATCH_TOKENS,
) -> PatchingMap:
    """Every layer and head patched at all aligned tokens, in every pair; the answer's tokens are patched too."""
    check_count("batch_tokens", batch_tokens)
    chosen = check_layers(lm, range(lm.n_layers) if layers is None else layers)
    places = [HookPoint(layer, HEADS) for layer in chosen]
    found: PatchingMap | None = None
    for weight, terms in weighted_terms(metric, pairs):
        parts = [
            _map_of(Sweep.of(lm, pairs[some], terms[some], places), chosen, batch_tokens)
            for some in groups(pairs, len(chosen), batch_tokens)
        ]
        found = weighted_sum(found, joined(parts), weight)
    assert found is not None
    return found


def _map_of(sweep: Sweep, layers: tuple[int, ...], batch_tokens: int) -> PatchingMap:
    heads = sweep.lm.config.num_attention_heads
    start = min(pair.first_difference for pair in sweep.pairs)
    metric = sweep.corrupt.cpu()[:, None, None].repeat(1, len(layers), heads)
    start = min(start, int(sweep.corrupt_run.read.min()))
    step = max(1, batch_tokens // (heads * len(layers) * (sweep.corrupt_run.width - start)))
    for first in range(0, len(sweep.pairs), step):
        rows = torch.arange(first, min(first + step, len(sweep.pairs)), device=sweep.lm.device)

        def joining(layer: int, rows: Tensor = rows) -> Tensor | None:
            return _streams(sweep, layer, rows, start) if layer in layers else None

        values = sweep.patched(rows, start, joining).view(len(layers), heads, len(rows))
        metric[rows.cpu()] = values.movedim(2, 0).cpu()
    return PatchingMap(HEADS, layers, metric, sweep.clean.cpu(), sweep.corrupt.cpu())


def _streams(
    sweep: Sweep, layer: int, rows: Int[Tensor, " row"], start: int
) -> Float[Tensor, "cell token d_model"]:
    """For each head in turn and each row: the stream after a layer in which that head's output is the clean run's."""
    heads = sweep.lm.config.num_attention_heads
    values, known = sweep.counterparts(sweep.clean_run.places[HookPoint(layer, HEADS)])
    owners = rows.repeat(heads)
    of_head = torch.arange(values.shape[-1], device=values.device) * heads // values.shape[-1]
    head = torch.arange(heads, device=values.device).repeat_interleave(len(rows))
    mine: Bool[Tensor, "cell 1 width"] = (of_head == head[:, None])[:, None]
    where: Bool[Tensor, "cell token width"] = known[owners, start:, None] & mine

    def put(_module: torch.nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (torch.where(where, values[owners, start:], inputs[0]), *inputs[1:])

    handle = output_projection(sweep.lm, layer).register_forward_pre_hook(put)
    try:
        return sweep.corrupt_run.again_from(layer, owners, start)
    finally:
        handle.remove()
