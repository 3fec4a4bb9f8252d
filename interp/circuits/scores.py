"""Scores of the edges of a model, of its nodes, and of the tokens at which they write and read."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from interp.circuits.graph import Graph
from interp.errors import TriggerLensError

if TYPE_CHECKING:
    import plotly.graph_objects


@dataclass(frozen=True, eq=False)
class EdgeScores:
    """`edges[i]` are pair i's scores, in the metric's unit; `clean` and `corrupt` are the metric's values in both runs.

    `writes` are a node's scores by the token at which it writes, `reads` a port's by the token at which it reads: those
    of k and v ports show from which tokens a group of heads moves information.
    """

    graph: Graph
    edges: Float[Tensor, "pair node port"]
    writes: Float[Tensor, "pair node token"]
    reads: Float[Tensor, "pair port token"]
    clean: Float[Tensor, " pair"]
    corrupt: Float[Tensor, " pair"]
    forward: int = 0
    backward: int = 0
    tokens: tuple[str, ...] = ()
    measure: str = "metric"

    @property
    def nodes(self) -> Float[Tensor, "pair node"]:
        """The sum over all edges of each node."""
        return self.writes.sum(2)

    def circuit(self, size: int) -> Bool[Tensor, "node port"]:
        """The `size` edges with the largest mean score, either sign."""
        known = self.graph.edges
        if not 0 <= size <= int(known.sum()):
            raise TriggerLensError(f"size={size}: this model has {int(known.sum())} edges")
        order = self.edges.mean(0).abs().masked_fill(~known, -1).flatten()
        kept = torch.zeros(known.numel(), dtype=torch.bool)
        kept[order.topk(size).indices] = True
        return kept.view(known.shape)

    def with_exact(
        self, exact: Float[Tensor, "pair node port"], number: int, terms: int = 1
    ) -> "EdgeScores":
        """These scores with exact effects for the `number` strongest edges; each costs a pass for each term."""
        strongest = self.circuit(number)
        edges = torch.where(strongest, exact.to(self.edges.dtype), self.edges)
        return replace(self, edges=edges, forward=self.forward + terms * number)

    def top(self, number: int = 10) -> list[tuple[str, float]]:
        """The edges with the largest mean scores."""
        mean = self.edges.mean(0)
        places = self.circuit(min(number, self.graph.n_edges)).nonzero().tolist()
        found = [(self.graph.named(*place), float(mean[tuple(place)])) for place in places]
        return sorted(found, key=lambda each: -abs(each[1]))

    def plot(self, edges: int = 40) -> "plotly.graph_objects.Figure":
        """Nodes by layer, with the strongest edges between them."""
        from interp.circuits.figures import circuit

        return circuit(self, edges)

    def times(self, weight: float) -> "EdgeScores":
        """The same scores of a weighted metric."""
        changed: dict[str, Any] = {name: weight * getattr(self, name) for name in _NUMBERS}
        return replace(self, **changed)

    def plus(self, other: "EdgeScores") -> "EdgeScores":
        """The scores of a sum of two metrics; tokens of the longer answer are kept."""
        sums: dict[str, Any] = {
            name: _sum(getattr(self, name), getattr(other, name)) for name in _NUMBERS
        }
        passes = self.forward + other.forward, self.backward + other.backward
        return replace(self, **sums, forward=passes[0], backward=passes[1])


_NUMBERS = ("edges", "writes", "reads", "clean", "corrupt")


def _sum(a: Tensor, b: Tensor) -> Tensor:
    width = max(a.shape[-1], b.shape[-1])
    pad = torch.nn.functional.pad
    return pad(a, (0, width - a.shape[-1])) + pad(b, (0, width - b.shape[-1]))
