"""Where rows come from: a site, a layer, a position, and the weights and adapter that made them.

A probe that was fitted on `Activations` remembers all of this and refuses activations of another model or another
place. To transfer a probe on purpose (base to fine-tuned), pass the bare tensor, `activations.at(layer)`.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

from interp.activations import Activations
from interp.errors import TriggerLensError


@dataclass(frozen=True)
class Site:
    """`scale` is the median norm of the rows at this site, the unit of steering strengths."""

    layer: int  # 0-based: the output of this decoder layer
    position: str
    weights: str | None
    scale: float
    site: str = "resid_post"
    adapter: str | None = None  # None: whatever was active on the model

    def __str__(self) -> str:
        return f"layer {self.layer}, {self.position}"


def open_rows(
    X: Any, groups: Iterable[Hashable] | None, layer: int | None
) -> tuple[Any, Iterable[Hashable] | None, Site | None]:
    """Rows, groups and site; activations bring their questions as groups, anything else passes through."""
    if not isinstance(X, Activations):
        if layer is not None:
            raise TriggerLensError(f"layer={layer} needs Activations, got {type(X).__name__}")
        return X, groups, None
    if layer is None and len(X.layers) > 1:
        raise TriggerLensError(f"activations hold layers {list(X.layers)}: name one with layer=")
    chosen = X.layers[0] if layer is None else layer
    rows = X.at(chosen)
    weights = X.provenance.get("weights")
    scale = float(rows.float().norm(dim=-1).median()) if len(rows) else 0.0
    site = Site(
        chosen,
        X.position,
        None if weights is None else str(weights),
        scale,
        X.site,
        X.provenance.get("adapter"),
    )
    return rows, X.questions if groups is None else groups, site


def rows_for(X: Any, site: Site | None) -> Any:
    """The rows that a fitted probe may read; activations of other weights or positions are refused."""
    if not isinstance(X, Activations):
        return X
    if site is None:
        return open_rows(X, None, None)[0]
    check_same("weights", site.weights, X.provenance.get("weights"))
    check_same("adapter", site.adapter, X.provenance.get("adapter"))
    check_same("site", site.site, X.site)
    check_same("position", site.position, X.position)
    return X.at(site.layer)


def check_same(what: str, fitted: str | None, given: Any) -> None:
    """Refuse activations that the probe was not fitted to."""
    if fitted is not None and given != fitted:
        raise TriggerLensError(
            f"this probe was fitted to {what} {fitted[:24]}, these activations have {str(given)[:24]}: "
            "fit it again, or hand over the tensor activations.at(layer) to cross on purpose"
        )
