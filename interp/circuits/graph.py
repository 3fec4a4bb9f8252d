"""The graph that circuits are found in: what writes into the residual stream, and what reads from it.

    nodes write   embed, a0.h0 ... (one for each query head), m0 ..., in the order in which they are computed
    ports read    a0.h0.q (each query head), a0.g0.k and a0.g0.v (each key-value head, which a group of query heads
                  shares), m0, and logits

An edge joins a node to a port that reads after the node has written. Everything goes through the residual stream, so
these are all the direct paths between nodes.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool
from torch import Tensor

from interp.models.language_model import LanguageModel

EMBED, HEAD, MLP, LOGITS = "embed", "head", "mlp", "logits"
INPUTS = ("q", "k", "v")


@dataclass(frozen=True)
class Node:
    """What writes: `layer` is -1 for the embeddings, `index` the query head."""

    layer: int
    kind: str
    index: int = 0

    def __str__(self) -> str:
        names = {EMBED: EMBED, HEAD: f"a{self.layer}.h{self.index}", MLP: f"m{self.layer}"}
        return names[self.kind]


@dataclass(frozen=True)
class Port:
    """What reads: `kind` is q, k, v, mlp or logits; `index` the query head, or the key-value head for k and v."""

    layer: int
    kind: str
    index: int = 0

    def __str__(self) -> str:
        if self.kind in INPUTS:
            return f"a{self.layer}.{'h' if self.kind == 'q' else 'g'}{self.index}.{self.kind}"
        return LOGITS if self.kind == LOGITS else f"m{self.layer}"


@dataclass(frozen=True)
class Graph:
    """Sizes of a model; each group of `heads / groups` query heads shares its keys and values."""

    layers: int
    heads: int
    groups: int

    @classmethod
    def of(cls, lm: LanguageModel) -> "Graph":
        """The graph of a model."""
        heads = lm.config.num_attention_heads
        return cls(lm.n_layers, heads, getattr(lm.config, "num_key_value_heads", None) or heads)

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """In the order in which they are computed."""
        found = [Node(-1, EMBED)]
        for layer in range(self.layers):
            found += [Node(layer, HEAD, head) for head in range(self.heads)] + [Node(layer, MLP)]
        return tuple(found)

    @cached_property
    def ports(self) -> tuple[Port, ...]:
        """In the order in which they read."""
        found: list[Port] = []
        for layer in range(self.layers):
            for kind in INPUTS:
                number = self.heads if kind == "q" else self.groups
                found += [Port(layer, kind, index) for index in range(number)]
            found.append(Port(layer, MLP))
        return (*found, Port(self.layers, LOGITS))

    @cached_property
    def edges(self) -> Bool[Tensor, "node port"]:
        """True where a node writes before a port reads."""
        return torch.tensor([[_before(node, port) for port in self.ports] for node in self.nodes])

    @property
    def n_edges(self) -> int:
        """How many edges there are."""
        return int(self.edges.sum())

    def named(self, node: int, port: int) -> str:
        """An edge as text."""
        return f"{self.nodes[node]} > {self.ports[port]}"

    def readers(self, port: Port) -> list[Node]:
        """The nodes that a port belongs to: one, the heads of a group, or none for the logits."""
        if port.kind == LOGITS:
            return []
        if port.kind == MLP:
            return [Node(port.layer, MLP)]
        size = 1 if port.kind == "q" else self.heads // self.groups
        return [Node(port.layer, HEAD, port.index * size + i) for i in range(size)]


def _before(node: Node, port: Port) -> bool:
    within = node.layer == port.layer and node.kind == HEAD and port.kind == MLP
    return node.layer < port.layer or within
