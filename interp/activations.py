"""Activations, one vector per prompt (or answer) and layer, with a record of how they were made.

Saved as `PATH.safetensors` (the values) beside `PATH.json` (everything else, with hashes of both:
`interp.io.checksummed`).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from interp.errors import TriggerLensError
from interp.io.checksummed import load_facts, load_tensors, save_sealed

if TYPE_CHECKING:
    import plotly.graph_objects

    import interp.directions

# Saved in the JSON file, beside the values.
FACTS = (
    "layers",
    "conditions",
    "questions",
    "position",
    "provenance",
    "site",
    "source",
    "token",
)


@dataclass(frozen=True, eq=False)
class Activations:
    """`values[i, j]` is the vector of row i at `site` of decoder layer `layers[j]`, at `position`.

    Row i comes from token `token[i]` of prompt (or answer) `source[i]`; the token is None for a mean over several.
    """

    values: Float[Tensor, "row layer d_model"]
    layers: tuple[int, ...]
    conditions: tuple[str, ...]
    questions: tuple[str, ...]
    position: str
    provenance: dict[str, Any] = field(default_factory=dict)
    site: str = "resid_post"
    source: tuple[int, ...] = ()
    token: tuple[int | None, ...] = ()

    def __post_init__(self) -> None:
        rows, layers = self.values.shape[:2]
        if (len(self.conditions), len(self.questions), len(self.layers)) != (rows, rows, layers):
            raise TriggerLensError(
                f"values are [{rows} rows, {layers} layers], but there are {len(self.conditions)} "
                f"conditions, {len(self.questions)} questions and {len(self.layers)} layers"
            )
        for name in ("source", "token"):
            if len(getattr(self, name)) not in (0, rows):
                raise TriggerLensError(
                    f"{rows} rows, but {name} has {len(getattr(self, name))} entries"
                )

    def __len__(self) -> int:
        return len(self.values)

    def at(self, layer: int) -> Float[Tensor, "row d_model"]:
        """The values at one decoder layer."""
        if layer not in self.layers:
            raise TriggerLensError(f"layer {layer} was not captured; captured: {list(self.layers)}")
        return self.values[:, self.layers.index(layer)]

    def where(
        self,
        mask: Bool[Tensor, " row"] | Sequence[bool] | None = None,
        *,
        condition: str | Collection[str] | None = None,
    ) -> "Activations":
        """The rows that the mask keeps and whose condition is `condition`, or one of them if several are given."""
        keep = [True] * len(self) if mask is None else [bool(each) for each in mask]
        if len(keep) != len(self):
            raise TriggerLensError(f"the mask has {len(keep)} entries for {len(self)} rows")
        wanted = {condition} if isinstance(condition, str) else condition
        rows = [
            row
            for row, kept in enumerate(keep)
            if kept and (wanted is None or self.conditions[row] in wanted)
        ]
        return replace(
            self,
            values=self.values[rows],
            conditions=tuple(self.conditions[row] for row in rows),
            questions=tuple(self.questions[row] for row in rows),
            source=tuple(self.source[row] for row in rows if self.source),
            token=tuple(self.token[row] for row in rows if self.token),
        )

    def __add__(self, other: "Activations") -> "Activations":
        """The rows of both; they need the same layers, position, site, weights and adapter; `source` is renumbered."""
        for name, mine, theirs in (
            ("layers", self.layers, other.layers),
            ("position", self.position, other.position),
            ("site", self.site, other.site),
            ("weights", self.provenance.get("weights"), other.provenance.get("weights")),
            ("adapter", self.provenance.get("adapter"), other.provenance.get("adapter")),
        ):
            if mine != theirs:
                raise TriggerLensError(
                    f"cannot join activations whose {name} differ: {mine} and {theirs}"
                )
        shift, traced = max(self.source, default=-1) + 1, bool(self.source and other.source)
        return replace(
            self,
            values=torch.cat([self.values, other.values]),
            conditions=self.conditions + other.conditions,
            questions=self.questions + other.questions,
            provenance={**self.provenance, "joined_with": other.provenance},
            source=self.source + tuple(each + shift for each in other.source) if traced else (),
            token=self.token + other.token if traced else (),
        )

    def project(self, direction: "interp.directions.Direction") -> Float[Tensor, " row"]:
        """The projection of each row on a direction, in median residual norms; another model's direction is refused."""
        weights = self.provenance.get("weights")
        if weights is not None:
            direction.check_hash(str(weights))
        if self.site != "resid_post":
            raise TriggerLensError(
                f"a direction is read from resid_post, but these activations are {self.site}; capture resid_post"
            )
        rows = self.at(direction.layer).float()
        if rows.shape[-1] != len(direction.vector):
            raise TriggerLensError(
                f"direction {direction.name!r} has width {len(direction.vector)}, but these activations have"
                f" {rows.shape[-1]}"
            )
        return rows @ direction.vector.to(rows) / direction.scale

    def plot(self, direction: "interp.directions.Direction") -> "plotly.graph_objects.Figure":
        """A figure of the projections on a direction, by condition."""
        from interp.figures import projection

        return projection(self, direction)

    def save(self, path: str | Path) -> None:
        """Write `path`.safetensors and `path`.json."""
        facts = {name: getattr(self, name) for name in FACTS}
        save_sealed(path, {"values": self.values}, facts, indent=None)

    @classmethod
    def load(cls, path: str | Path) -> "Activations":
        """Read what `save` wrote; files that are missing, damaged, cut short or without hashes are refused."""
        facts = load_facts(path, "activations", FACTS, again="capture them again")
        return cls(
            load_tensors(path)["values"],
            tuple(facts["layers"]),
            tuple(facts["conditions"]),
            tuple(facts["questions"]),
            facts["position"],
            facts["provenance"],
            facts["site"],
            tuple(facts["source"]),
            tuple(facts["token"]),
        )
