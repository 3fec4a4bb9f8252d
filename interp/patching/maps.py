"""Which layer and token carry a difference between two prompts: exact activation patching.

Method (activation patching, Vig et al. 2020; Meng et al. 2022, here without noise):
1. Run the clean prompt of each pair and record the activations of each layer at each token.
2. In the corrupt run, replace one token at one place by its clean counterpart and measure the model's output.
3. effect = (patched - corrupt) / (clean - corrupt): 0 no effect, 1 the whole difference.

The numbers are those of one forward pass for each cell, but a cell is only run from its own layer and token on
(`interp.patching.recorded_run`), with the cells of all layers at one token in one batch. Cells before the first
difference need no run, because the two runs are the same there. A patched attention or MLP output is first carried to
the end of its layer, for all tokens in one pass, because tokens no longer mix there.

Effects that need two places at once are not found.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import pad

from interp.capture.hook_points import SITES, HookPoint, check_site, check_sum, module_at
from interp.capture.sites import check_layers, hooked_modules
from interp.errors import TriggerLensError
from interp.io.validation import check_count
from interp.models.language_model import LanguageModel
from interp.patching.metrics import Metric, Term
from interp.patching.pairs import Pair
from interp.patching.runs import Sweep, groups

if TYPE_CHECKING:
    import plotly.graph_objects

BATCH_TOKENS = 8192


@dataclass(frozen=True, eq=False)
class PatchingMap:
    """`metric[i, j, k]`: pair i with cell k of layer `layers[j]` patched; `clean` and `corrupt`: nothing patched.

    A cell is a token of the corrupt prompt, or an attention head if `site` is "heads". NaN: there is no such token, or
    none that corresponds to it in the clean prompt. `tokens[i]`, if known, are pair i's corrupt tokens as text, and
    `measure` says in words what the metric is.
    """

    site: str
    layers: tuple[int, ...]
    metric: Float[Tensor, "pair layer cell"]
    clean: Float[Tensor, " pair"]
    corrupt: Float[Tensor, " pair"]
    tokens: tuple[tuple[str, ...], ...] = ()
    measure: str = "metric"

    @property
    def effect(self) -> Float[Tensor, "pair layer cell"]:
        """The share of the difference between clean and corrupt that each cell restores."""
        corrupt = self.corrupt[:, None, None]
        return (self.metric - corrupt) / (self.clean[:, None, None] - corrupt)

    def plot(self) -> "plotly.graph_objects.Figure":
        """The mean effect over the pairs, with layers on the y axis and tokens (or heads) on the x axis."""
        from interp.figures import patching_map

        return patching_map(self)


@torch.no_grad()
def patching_maps(
    lm: LanguageModel,
    pairs: Sequence[Pair],
    metric: Metric | Sequence[Metric],
    *,
    sites: Sequence[str] = SITES,
    layers: Sequence[int] | None = None,
    batch_tokens: int = BATCH_TOKENS,
) -> dict[str, PatchingMap]:
    """By site: every layer and token patched, in every pair. One metric for all pairs or one for each.

    `batch_tokens` bounds the tokens that run at once and the pairs that are recorded at once, so memory does not grow
    with the number of pairs.
    """
    check_count("batch_tokens", batch_tokens)
    for site in sites:
        check_site(site)
    if set(sites) - {"resid_post"}:
        check_sum(lm)
    chosen = check_layers(lm, range(lm.n_layers) if layers is None else layers)
    places = [HookPoint(layer, site) for site in sites for layer in chosen]
    found: dict[str, PatchingMap] = {}
    for weight, terms in weighted_terms(metric, pairs):
        parts = [
            _maps_of(Sweep.of(lm, pairs[some], terms[some], places), sites, chosen, batch_tokens)
            for some in groups(pairs, len(chosen), batch_tokens)
        ]
        for site in sites:
            whole = joined([part[site] for part in parts])
            found[site] = weighted_sum(found.get(site), whole, weight)
    return found


def weighted_terms(
    metric: Metric | Sequence[Metric], pairs: Sequence[Pair]
) -> list[tuple[float, list[Term]]]:
    """For each term of the metric: its weight, and the term for each pair."""
    if not pairs:
        raise TriggerLensError("no pairs to patch")
    metrics = [metric] * len(pairs) if isinstance(metric, Metric) else list(metric)
    if len(metrics) != len(pairs):
        raise TriggerLensError(
            f"{len(metrics)} metrics for {len(pairs)} pairs; give one, or one for each"
        )
    columns = list(zip(*(each.terms for each in metrics), strict=True))
    for column in columns:
        if len({weight for weight, _ in column}) > 1:
            raise TriggerLensError("the metrics of all pairs must be of one kind")
    return [(column[0][0], [term for _, term in column]) for column in columns]


def joined(parts: Sequence[PatchingMap]) -> PatchingMap:
    """Join the maps of several groups of pairs; a cell that a pair does not have is NaN."""
    cells = max(part.metric.shape[-1] for part in parts)
    metrics = [pad(p.metric, (0, cells - p.metric.shape[-1]), value=torch.nan) for p in parts]
    clean, corrupt = (torch.cat([getattr(p, end) for p in parts]) for end in ("clean", "corrupt"))
    return PatchingMap(parts[0].site, parts[0].layers, torch.cat(metrics), clean, corrupt)


def weighted_sum(before: PatchingMap | None, one: PatchingMap, weight: float) -> PatchingMap:
    """A map with one more term."""
    numbers = [weight * each for each in (one.metric, one.clean, one.corrupt)]
    if before is not None:
        earlier = (before.metric, before.clean, before.corrupt)
        numbers = [a + b for a, b in zip(earlier, numbers, strict=True)]
    metric, clean, corrupt = numbers
    return PatchingMap(one.site, one.layers, metric, clean, corrupt)


def _maps_of(
    sweep: Sweep, sites: Sequence[str], layers: tuple[int, ...], batch_tokens: int
) -> dict[str, PatchingMap]:
    return {site: _map_of(sweep, site, layers, batch_tokens) for site in sites}


def _map_of(sweep: Sweep, site: str, layers: tuple[int, ...], batch_tokens: int) -> PatchingMap:
    streams = {layer: patched_streams(sweep, HookPoint(layer, site)) for layer in layers}
    tokens = max(len(pair.corrupt) for pair in sweep.pairs)
    metric = torch.full((len(sweep.pairs), len(layers), tokens), torch.nan)
    for number, pair in enumerate(sweep.pairs):
        known = torch.tensor([at is not None for at in pair.source])
        metric[number, :, : len(known)][:, known] = float(sweep.corrupt[number])
    for token in range(tokens):
        rows = [row for row, pair in enumerate(sweep.pairs) if _differs(pair, token)]
        step = max(1, batch_tokens // (len(layers) * (sweep.corrupt_run.width - token)))
        for first in range(0, len(rows), step):
            index = torch.tensor(rows[first : first + step], device=sweep.lm.device)
            values = _cells(sweep, streams, index, token)
            metric[index.cpu(), : len(values), token] = values.T.cpu()
    return PatchingMap(site, layers, metric, sweep.clean.cpu(), sweep.corrupt.cpu())


def _differs(pair: Pair, token: int) -> bool:
    """Whether a token can matter: it has a counterpart, and the runs are not the same up to it."""
    inside = pair.first_difference <= token < len(pair.corrupt)
    return inside and pair.source[token] is not None


def _cells(
    sweep: Sweep, streams: dict[int, Tensor], rows: Int[Tensor, " row"], token: int
) -> Float[Tensor, "layer row"]:
    """The term with the token patched after each layer in turn."""
    top = sweep.lm.n_layers - 1
    read = bool((sweep.corrupt_run.read[rows] == token).any())

    def joining(layer: int) -> Tensor | None:
        if layer not in streams or (layer == top and not read):
            return None  # after the last layer, a token that is not read has no effect
        stream = sweep.corrupt_run.after(layer)[rows, token:].clone()
        stream[:, 0] = streams[layer][rows, token]
        return stream

    if not read and set(streams) == {top}:
        return sweep.corrupt[rows][None]
    return sweep.patched(rows, token, joining).view(-1, len(rows))


def patched_streams(sweep: Sweep, place: HookPoint) -> Float[Tensor, "pair token d_model"]:
    """The stream after the layer at each token when the place is patched at that token alone."""
    values, known = sweep.counterparts(sweep.clean_run.places[place])
    if place.site == "resid_post":
        return torch.where(known[:, :, None], values, sweep.corrupt_run.after(place.layer))

    def put(hidden: Tensor) -> Tensor:
        return torch.where(known[:, :, None], values, hidden)

    with hooked_modules({module_at(sweep.lm, place): put}):
        return sweep.corrupt_run.again(place.layer)
