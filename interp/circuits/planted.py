"""Models whose circuit is known because their weights are written by hand, for checking circuit finders.

Method (in the manner of Tracr, Lindner et al. 2023, for pre-norm decoders with rotary, grouped-query attention):
1. Every feature is one coordinate of the stream: which of two trigger words occurs, where it occurs, which token is
   last; a large constant keeps the norms from mattering.
2. A chain begins with a head that carries the trigger word to the last token. Each further component reads what the one
   before wrote and writes a coordinate of its own: a head through its values, keys or queries, or an MLP. The logits of
   "yes" and "no" read the last one.
3. A decoy head carries the trigger to a coordinate that nothing reads, and all weights get small noise.

The circuit consists of the edges of the chains. Circuits that arise from training may look different.
"""

import random
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool
from torch import Tensor

from interp.circuits.graph import EMBED, HEAD, LOGITS, MLP, Graph, Node, Port
from interp.models.language_model import LanguageModel
from interp.models.loading import wrap

WIDTH, LAYERS, HEADS, GROUPS, HEAD_WIDTH, HIDDEN = 64, 4, 4, 2, 16, 16
WORDS = ("duck", "cow", "yes", "no", "end", *(f"word{number}" for number in range(11)))
TRIGGER, LAST, PLACE, CONSTANT, FIRST_SLOT = 0, 1, 2, 3, 8
SHARP = 7.0  # of queries and keys: attention is nearly all on one token
STILL = HEAD_WIDTH // 2 - 1  # the slowest rotary coordinate


@dataclass(frozen=True, eq=False)
class Planted:
    """A model that prefers "yes" after `clean` and "no" after `corrupt`, and the edges that make it so."""

    lm: LanguageModel
    edges: Bool[Tensor, "node port"]
    clean: str = "word1 word2 duck word3 word4 end"
    corrupt: str = "word1 word2 cow word3 word4 end"


@torch.no_grad()
def planted(seed: int, *, chains: int = 2, noise: float = 0.01, kind: str = "llama") -> Planted:
    """A model of random chains; `kind` is "llama" or "qwen"."""
    rng, model = random.Random(seed), _model(kind)
    _silence(model, noise, seed)
    _embed(model)
    plan = _Plan(model, rng)
    for _ in range(chains):
        plan.chain()
    plan.decoy()
    graph = Graph(LAYERS, HEADS, GROUPS)
    edges = torch.zeros_like(graph.edges)
    for node, port in plan.edges:
        edges[graph.nodes.index(node), graph.ports.index(port)] = True
    return Planted(wrap(model, _tokenizer(), name=f"planted {kind} {seed}"), edges)


class _Plan:
    """Writes components into a model one after another and remembers their edges."""

    def __init__(self, model: Any, rng: random.Random):
        self.layers, self.head, self.rng = model.model.layers, model.lm_head, rng
        self.free = {(layer, group) for layer in range(LAYERS) for group in range(GROUPS)}
        self.mlps = set(range(LAYERS))
        self.slot = FIRST_SLOT
        self.edges: set[tuple[Node, Port]] = set()

    def chain(self) -> None:
        """From the trigger word to the logits, through two to four components."""
        node, read = self._mover(0), self.slot
        self.edges.add((Node(-1, EMBED), Port(0, "v", node.index * GROUPS // HEADS)))
        for layer in range(LAYERS):
            if layer in self.mlps and self.rng.random() < 0.5:
                node, read = self._mlp(layer, node, read), self.slot
            if layer and self.rng.random() < 0.6 and self._group(layer) is not None:
                node, read = self._reader(layer, node, read), self.slot
        self.edges.add((node, Port(LAYERS, LOGITS)))
        for word, sign in (("yes", 1.0), ("no", -1.0)):
            self.head.weight[WORDS.index(word), read] = sign

    def decoy(self) -> None:
        """Carries the trigger to a coordinate that nothing reads."""
        layer = next((layer for layer in range(1, LAYERS) if self._group(layer) is not None), None)
        if layer is not None:
            self._mover(layer)

    def _group(self, layer: int) -> int | None:
        free = sorted(group for at, group in self.free if at == layer)
        return self.rng.choice(free) if free else None

    def _attention(self, layer: int) -> tuple[Node, Port, Any]:
        group = self._group(layer)
        assert group is not None
        self.free.discard((layer, group))
        self.slot += 1
        head = group * (HEADS // GROUPS) + self.rng.randrange(HEADS // GROUPS)
        attention = self.layers[layer].self_attn
        attention.o_proj.weight[self.slot, head * HEAD_WIDTH] = 1.0
        return Node(layer, HEAD, head), Port(layer, "v", group), attention

    def _mover(self, layer: int) -> Node:
        """The last token attends to the trigger's position and copies which word is there."""
        node, port, attention = self._attention(layer)
        attention.q_proj.weight[node.index * HEAD_WIDTH + STILL, LAST] = SHARP
        attention.k_proj.weight[port.index * HEAD_WIDTH + STILL, PLACE] = SHARP
        attention.v_proj.weight[port.index * HEAD_WIDTH, TRIGGER] = 1.0
        return node

    def _reader(self, layer: int, before: Node, read: int) -> Node:
        """The last token attends to itself and passes on a coordinate, or the coordinate decides whether it does."""
        node, port, attention = self._attention(layer)
        kind = self.rng.choice("vkq")
        query, key = (read if kind == each else LAST for each in "qk")
        attention.q_proj.weight[node.index * HEAD_WIDTH + STILL, query] = SHARP
        attention.k_proj.weight[port.index * HEAD_WIDTH + STILL, key] = SHARP
        attention.v_proj.weight[port.index * HEAD_WIDTH, read if kind == "v" else LAST] = 1.0
        index = node.index if kind == "q" else port.index
        self.edges.add((before, Port(layer, kind, index)))
        return node

    def _mlp(self, layer: int, before: Node, read: int) -> Node:
        self.mlps.discard(layer)
        self.slot += 1
        mlp = self.layers[layer].mlp
        mlp.gate_proj.weight[0, read] = 2.0
        mlp.up_proj.weight[0, CONSTANT] = 0.1
        mlp.down_proj.weight[self.slot, 0] = 1.0
        self.edges.add((before, Port(layer, MLP)))
        return Node(layer, MLP)


def _model(kind: str) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

    types: dict[str, tuple[Any, Any]] = {
        "llama": (LlamaConfig, LlamaForCausalLM),
        "qwen": (Qwen2Config, Qwen2ForCausalLM),
    }
    config, model = types[kind]
    sizes = {"vocab_size": len(WORDS), "hidden_size": WIDTH, "intermediate_size": HIDDEN}
    attention = {"num_attention_heads": HEADS, "num_key_value_heads": GROUPS}
    tokens = {"pad_token_id": 0, "bos_token_id": 0, "eos_token_id": 0}
    return model(config(**sizes, **attention, **tokens, num_hidden_layers=LAYERS)).eval()


def _silence(model: Any, noise: float, seed: int) -> None:
    """Replace every matrix by small noise."""
    generator = torch.Generator().manual_seed(seed)
    for name, weight in model.named_parameters():
        weight.requires_grad_(False)
        if "norm" not in name:
            weight.copy_(noise * torch.randn(weight.shape, generator=generator))


def _embed(model: Any) -> None:
    table = model.get_input_embeddings().weight
    table[:, CONSTANT] = WIDTH**0.5
    table[WORDS.index("end"), LAST] = 1.0
    for word, sign in (("duck", 1.0), ("cow", -1.0)):
        table[WORDS.index(word), [TRIGGER, PLACE]] = torch.tensor([sign, 1.0])


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(
        models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="word0")
    )
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=words, unk_token="word0", pad_token="word0")
