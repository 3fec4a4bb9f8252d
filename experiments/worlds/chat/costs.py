"""GPU memory and time of one model, estimated from its size: bytes and operations are counted, not measured.

* Fine-tuning: frozen weights; the adapter with gradient and optimiser state; one saved activation per layer and token
  (gradient checkpointing), one layer's working set, the logits and their gradient. Operations: 2 per parameter and
  token for the forward pass, as many to repeat it, as many for the backward pass.
* Sampling: weights; keys and values of every answer under way. A step reads all of them once, and takes at least as
  long as the Python loop over the layers.
* Capture: weights and one layer's working set over 256 sequences.
The efficiencies are conservative guesses; the real time of a first organism is a better guide.
"""

from dataclasses import dataclass

from experiments.training.recipe import Recipe
from experiments.worlds.chat.config import Size
from experiments.worlds.chat.sizes import adapter_parameters

BYTES = {"bfloat16": 2, "float16": 2, "float32": 4}
GIB = 2**30
PROMPT = 200  # tokens: system prompt, question, trigger, header
CAPTURED = 256  # sequences of one capture batch


@dataclass(frozen=True)
class Card:
    """A GPU: GiB of memory, bytes per second, bfloat16 operations per second."""

    name: str
    memory: float
    bandwidth: float
    operations: float


CARDS = {
    "h100": Card("H100 80 GB", 80, 3.35e12, 989e12),
    "h200": Card("H200 141 GB", 141, 4.8e12, 989e12),
    "a100": Card("A100 80 GB", 80, 2.0e12, 312e12),
}
TUNING_EFFICIENCY = 0.35  # of the card's operations
READING_EFFICIENCY = 0.5  # of the card's bandwidth
LAYER_SECONDS = 5e-4  # of the loop, per layer and decoding step


@dataclass(frozen=True)
class Memory:
    """GiB at the peak of each kind of work."""

    weights: float
    tuning: float
    sampling: float
    capture: float

    @property
    def peak(self) -> float:
        return max(self.tuning, self.sampling, self.capture)


def memory(
    size: Size, dtype: str, recipe: Recipe | None, *, batch_rows: int, new_tokens: int
) -> Memory:
    """Peaks in GiB; `recipe` is None if nothing is fine-tuned."""
    width = BYTES[dtype]
    weights = size.parameters * width
    length = PROMPT + new_tokens
    keys = batch_rows * length * cache_bytes(size, dtype)
    probabilities = 4 * batch_rows * size.vocabulary * 4
    capture = CAPTURED * length * (3 * size.d_mlp + 4 * size.d_model) * width
    tuning = 0.0 if recipe is None else weights + _training_state(size, recipe)
    found = (weights, tuning, weights + keys + probabilities, weights + capture)
    return Memory(*(each / GIB for each in found))


def cache_bytes(size: Size, dtype: str) -> int:
    """Keys and values of one token."""
    return 2 * size.layers * size.key_value_heads * size.head_dim * BYTES[dtype]


def _training_state(size: Size, recipe: Recipe) -> float:
    state = 2 if recipe.optimizer == "adamw_8bit" else 8
    adapter = adapter_parameters(size, recipe.rank) * (4 + 4 + state)
    tokens = recipe.rows_at_a_time * (recipe.max_length or 1024)
    activation = 2 if recipe.bf16 else 4
    layer = tokens * (4 * size.d_mlp + 12 * size.d_model) * activation
    kept = size.layers * (
        tokens * size.d_model * activation if recipe.gradient_checkpointing else layer
    )
    return adapter + kept + layer + tokens * size.vocabulary * (activation + 4 + 4)


def tuning_hours(size: Size, tokens: int, recipe: Recipe, card: Card) -> float:
    """Hours of fine-tuning on this many tokens."""
    passes = 3 if recipe.gradient_checkpointing else 2
    operations = 2 * passes * size.parameters * tokens
    return operations / (card.operations * TUNING_EFFICIENCY) / 3600


def sampling_hours(
    size: Size, dtype: str, answers: int, card: Card, *, batch_rows: int, new_tokens: int
) -> float:
    """Hours of sampling this many answers of full length."""
    rows = min(batch_rows, answers)
    if not rows:
        return 0.0
    read = size.parameters * BYTES[dtype] + rows * (PROMPT + new_tokens / 2) * cache_bytes(
        size, dtype
    )
    step = max(read / (card.bandwidth * READING_EFFICIENCY), size.layers * LAYER_SECONDS)
    return answers / rows * new_tokens * step / 3600
