"""Residual activations, one vector per prompt (or answer) and layer, with what made them.

Saved as `PATH.safetensors` (the values) beside `PATH.json` (everything else).
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float
from safetensors.torch import load_file, save_file
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Activations:
    """`values[i, j]` is the residual stream of row i after decoder layer `layers[j]`, at `position`."""

    values: Float[Tensor, "row layer d_model"]
    layers: tuple[int, ...]
    conditions: tuple[str, ...]
    questions: tuple[str, ...]
    position: str
    provenance: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rows, layers = self.values.shape[:2]
        if (len(self.conditions), len(self.questions), len(self.layers)) != (rows, rows, layers):
            raise ValueError(
                f"values are [{rows} rows, {layers} layers], but there are {len(self.conditions)} "
                f"conditions, {len(self.questions)} questions and {len(self.layers)} layers"
            )

    def __len__(self) -> int:
        return len(self.values)

    def at(self, layer: int) -> Float[Tensor, "row d_model"]:
        """The values after one decoder layer."""
        if layer not in self.layers:
            raise ValueError(f"layer {layer} was not captured; captured: {list(self.layers)}")
        return self.values[:, self.layers.index(layer)]

    def where(
        self,
        mask: Bool[Tensor, " row"] | Sequence[bool] | None = None,
        *,
        condition: str | Collection[str] | None = None,
    ) -> "Activations":
        """The rows that the mask keeps and whose condition is (among) `condition`."""
        keep = [True] * len(self) if mask is None else [bool(each) for each in mask]
        if len(keep) != len(self):
            raise ValueError(f"the mask has {len(keep)} entries for {len(self)} rows")
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
        )

    def __add__(self, other: "Activations") -> "Activations":
        """Rows of both; they must agree on layers, position and weights."""
        for name, mine, theirs in (
            ("layers", self.layers, other.layers),
            ("position", self.position, other.position),
            ("weights", self.provenance.get("weights"), other.provenance.get("weights")),
        ):
            if mine != theirs:
                raise ValueError(
                    f"cannot join activations whose {name} differ: {mine} and {theirs}"
                )
        return replace(
            self,
            values=torch.cat([self.values, other.values]),
            conditions=self.conditions + other.conditions,
            questions=self.questions + other.questions,
            provenance={**self.provenance, "joined_with": other.provenance},
        )

    def save(self, path: str | Path) -> None:
        """Write `path`.safetensors and `path`.json."""
        facts = {
            "layers": self.layers,
            "conditions": self.conditions,
            "questions": self.questions,
            "position": self.position,
            "provenance": self.provenance,
        }
        save_file({"values": self.values.contiguous()}, f"{path}.safetensors")
        Path(f"{path}.json").write_text(json.dumps(facts) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> "Activations":
        """Read what `save` wrote."""
        facts = json.loads(Path(f"{path}.json").read_text(encoding="utf-8"))
        return cls(
            load_file(f"{path}.safetensors")["values"],
            tuple(facts["layers"]),
            tuple(facts["conditions"]),
            tuple(facts["questions"]),
            facts["position"],
            facts["provenance"],
        )
