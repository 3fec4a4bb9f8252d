"""Random models (by default of 30 million parameters, so large that arithmetic dominates), and prompts for them."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

from interp.models.loading import LanguageModel, wrap
from interp.prompts import Prompt, PromptSet

VOCABULARY, TOKENIZER = 8192, Path("artifacts/micro/qwen")


MEDIUM: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 512,
    "intermediate_size": 1408,
    "num_hidden_layers": 8,
    "num_attention_heads": 8,
    "num_key_value_heads": 8,
}
SMALL = MEDIUM | {"hidden_size": 128, "intermediate_size": 384, "num_hidden_layers": 6}
SMOLLM2: dict[str, Any] = {
    "vocab_size": 49_152,
    "hidden_size": 576,
    "intermediate_size": 1536,
    "num_hidden_layers": 30,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "tie_word_embeddings": True,
}


def random_model(sizes: dict[str, Any] = MEDIUM) -> LanguageModel:
    """Qwen2 with these sizes, by default eight layers of width 512, and random weights."""
    torch.manual_seed(0)
    model = Qwen2ForCausalLM(Qwen2Config(max_position_embeddings=512, **sizes))
    return wrap(model, AutoTokenizer.from_pretrained(TOKENIZER), name="random")


def random_llama(sizes: dict[str, Any]) -> LanguageModel:
    """Llama with these sizes and random weights."""
    torch.manual_seed(0)
    model = LlamaForCausalLM(LlamaConfig(max_position_embeddings=1024, **sizes))
    return wrap(model, AutoTokenizer.from_pretrained(TOKENIZER), name="random")


def random_prompts(count: int, shortest: int, longest: int, seed: int = 0) -> PromptSet:
    """Prompts of random tokens whose lengths are uniform from the shortest to the longest."""
    generator = np.random.default_rng(seed)
    lengths = generator.integers(shortest, longest, size=count, endpoint=True)
    return PromptSet(
        tuple(
            Prompt("", tuple(generator.integers(4, VOCABULARY, size=n).tolist()), "none", str(row))
            for row, n in enumerate(lengths)
        )
    )
