"""A random model of 30 million parameters, big enough that arithmetic dominates, and random prompts for it."""

from pathlib import Path

import numpy as np
import torch
from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM

from interp.models.loading import LanguageModel, wrap
from interp.prompts import Prompt, PromptSet

VOCABULARY, TOKENIZER = 8192, Path("artifacts/micro/qwen")


def random_model() -> LanguageModel:
    """Qwen2 with eight layers of width 512 and random weights."""
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=VOCABULARY,
        hidden_size=512,
        intermediate_size=1408,
        num_hidden_layers=8,
        num_attention_heads=8,
        num_key_value_heads=8,
        max_position_embeddings=512,
    )
    tokenizer = AutoTokenizer.from_pretrained(TOKENIZER)
    return wrap(Qwen2ForCausalLM(config), tokenizer, name="random")


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
