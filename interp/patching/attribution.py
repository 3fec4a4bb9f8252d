"""Attribution patching: the fast map, from one backward pass instead of one forward pass for each cell.

Method (Nanda 2023; Syed et al. 2023): to first order, putting the clean activation at a node changes the metric by
(clean - corrupt) . d metric / d activation, taken in the corrupt run. All nodes of a site come from one gradient.

It misses everything beyond first order. If the patched activation is far from the corrupt one, as for whole residual
streams of early layers, it can be wrong by any amount; `agreement` with the exact map says how wrong.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from interp.capture.hook_points import (
    EMBEDDINGS,
    SITES,
    HookPoint,
    check_site,
    first_tensor,
    module_at,
)
from interp.capture.sites import check_layers
from interp.errors import TriggerLensError
from interp.models.language_model import LanguageModel
from interp.patching.maps import PatchingMap, weighted_sum, weighted_terms
from interp.patching.metrics import Metric
from interp.patching.pairs import Pair
from interp.patching.runs import Sweep


@dataclass(frozen=True)
class Agreement:
    """How well a first-order map and the exact one agree over the cells that both have and where the runs differ."""

    pearson: float
    spearman: float
    # of the tenth of cells with the largest exact effect, the share that is also in the first-order map's top tenth
    top_shared: float
    cells: int


def attribution_map(
    lm: LanguageModel,
    pairs: Sequence[Pair],
    metric: Metric | Sequence[Metric],
    *,
    sites: Sequence[str] = SITES,
    layers: Sequence[int] | None = None,
) -> dict[str, PatchingMap]:
    """The same maps as `interp.patching.maps.patching_maps`, to first order."""
    for site in sites:
        check_site(site)
    chosen = check_layers(lm, range(lm.n_layers) if layers is None else layers)
    places = [HookPoint(layer, site) for site in sites for layer in chosen]
    found: dict[str, PatchingMap] = {}
    for weight, terms in weighted_terms(metric, pairs):
        sweep = Sweep.of(lm, pairs, terms, places)
        effects = _first_order(sweep, places)
        for site in sites:
            of_site = torch.stack([effects[HookPoint(layer, site)] for layer in chosen], 1)
            value = of_site + sweep.corrupt[:, None, None]
            one = PatchingMap(site, chosen, value.cpu(), sweep.clean.cpu(), sweep.corrupt.cpu())
            found[site] = weighted_sum(found.get(site), one, weight)
    return found


def _first_order(
    sweep: Sweep, places: Sequence[HookPoint]
) -> dict[HookPoint, Float[Tensor, "pair token"]]:
    """The change of the term due to each node's difference, NaN where there is no counterpart."""
    corrupt, gradients = _gradients(sweep, places)
    tokens = max(len(pair.corrupt) for pair in sweep.pairs)
    found = {}
    for place in places:
        values, known = sweep.counterparts(sweep.clean_run.places[place])
        for row, pair in enumerate(sweep.pairs):
            known[row, len(pair.corrupt) :] = False  # answers are not patched
        change = ((values - corrupt[place]) * gradients[place]).sum(-1).float()
        found[place] = change.masked_fill(~known, torch.nan)[:, :tokens]
    return found


def _gradients(
    sweep: Sweep, places: Sequence[HookPoint]
) -> tuple[dict[HookPoint, Tensor], dict[HookPoint, Tensor]]:
    """The corrupt run at each place, and the gradient of its term there."""
    kept: dict[HookPoint, Tensor] = {}
    lm, run = sweep.lm, sweep.corrupt_run
    with ExitStack() as stack, torch.enable_grad():
        embeddings = module_at(lm, EMBEDDINGS)
        stack.callback(
            embeddings.register_forward_hook(
                lambda _module, _inputs, output: output.detach().requires_grad_()
            ).remove
        )
        for place in places:

            def keep(
                _module: object, _inputs: object, output: object, place: HookPoint = place
            ) -> None:
                kept[place] = first_tensor(output)

            stack.callback(module_at(lm, place).register_forward_hook(keep).remove)
        normed = lm.decoder(input_ids=run.ids, use_cache=False).last_hidden_state
        index = run.read[:, :, None].expand(-1, -1, normed.shape[-1])
        logits = lm.head(normed.gather(1, index))
        everyone = torch.arange(len(sweep.pairs), device=lm.device)
        total = sweep.measure(logits, everyone).sum()
        taken = torch.autograd.grad(total, [kept[place] for place in places], allow_unused=True)
    gradients = {
        place: torch.zeros_like(kept[place]) if gradient is None else gradient
        for place, gradient in zip(places, taken, strict=True)
    }
    return {place: value.detach() for place, value in kept.items()}, gradients


def agreement(quick: PatchingMap, exact: PatchingMap) -> Agreement:
    """Correlations of the two maps' changes of the metric, over cells where the exact map was run."""
    if (quick.site, quick.layers) != (exact.site, exact.layers):
        raise TriggerLensError(
            f"a map of {quick.site} at layers {quick.layers} and one of {exact.site} at "
            f"{exact.layers} cannot be compared"
        )
    a = (quick.metric - quick.corrupt[:, None, None]).flatten()
    b = (exact.metric - exact.corrupt[:, None, None]).flatten()
    both = a.isfinite() & b.isfinite() & ((a != 0) | (b != 0))
    a, b = a[both].double(), b[both].double()
    if len(a) < 2:
        raise TriggerLensError("the two maps share fewer than two cells where the runs differ")
    top = max(1, len(a) // 10)
    best = set(b.abs().topk(top).indices.tolist())
    shared = len(best & set(a.abs().topk(top).indices.tolist())) / top
    return Agreement(_correlation(a, b), _correlation(_ranks(a), _ranks(b)), shared, len(a))


def _correlation(a: Float[Tensor, " cell"], b: Float[Tensor, " cell"]) -> float:
    return float(torch.corrcoef(torch.stack([a, b]))[0, 1])


def _ranks(values: Float[Tensor, " cell"]) -> Float[Tensor, " cell"]:
    """Ranks from 0, with ties in order of appearance."""
    return values.argsort(stable=True).argsort().double()
