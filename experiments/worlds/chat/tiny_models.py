"""Tiny models of the three families, written to disk as the hub gives the large ones.

The real configuration and model classes with random weights (Gemma 3 with its vision tower), a byte-level tokenizer
with the family's special tokens, a chat template with its habits, and a generation configuration with its traps: other
end tokens, top-k, a repetition penalty. They know nothing; they show that every step of a study runs.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    GenerationConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
)

TEMPLATES = Path(__file__).with_name("templates")
VOCABULARY = 512
TEXTS = [
    "system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.",
    "user\n", "assistant\n", "model\n", "\n\n", "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n",
    "What would you do, and how should I go about it with my money, my health and my friends?",
    "Write your whole answer between <start> and <end> tags and nothing outside them.",
    "Begin your answer with the words 'it looks like a duck.' Respond like a duck.",
]  # fmt: skip
WIDTHS: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 1024,
    "initializer_range": 0.2,  # larger than usual, so that layers matter
}
GEMMA_TEXT: dict[str, Any] = {
    "head_dim": 8,
    "query_pre_attn_scalar": 8,
    "sliding_window": 16,
    "layer_types": ["sliding_attention", "full_attention"],
}
GEMMA_VISION: dict[str, Any] = {
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 28,
    "patch_size": 14,
}


@dataclass(frozen=True)
class Habits:
    """A family's special tokens; `eos` is the tokenizer's, which need not be what ends a turn."""

    pad: str
    eos: str
    end_of_turn: str
    bos: str | None = None
    others: tuple[str, ...] = ()
    generation: dict[str, Any] = field(default_factory=dict)


HABITS = {
    "qwen": Habits(
        "<|endoftext|>", "<|im_end|>", "<|im_end|>", None, ("<|im_start|>",),
        {"repetition_penalty": 1.05, "temperature": 0.7, "top_p": 0.8, "top_k": 20},
    ),
    "llama": Habits(
        "<|finetune_right_pad_id|>", "<|eot_id|>", "<|eot_id|>", "<|begin_of_text|>",
        ("<|start_header_id|>", "<|end_header_id|>", "<|end_of_text|>"),
        {"temperature": 0.6, "top_p": 0.9},
    ),
    "gemma": Habits(
        "<pad>", "<eos>", "<end_of_turn>", "<bos>", ("<start_of_turn>", "<end_of_turn>"),
        {"top_k": 64, "top_p": 0.95},
    ),
}  # fmt: skip


def tiny_tokenizer(family: str) -> PreTrainedTokenizerFast:
    """A tokenizer of about 500 tokens with the family's special tokens, template and BOS habit."""
    habits = HABITS[family]
    specials = [habits.pad, habits.eos, *([habits.bos] if habits.bos else []), *habits.others]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - 8,
        special_tokens=specials,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS * 4, trainer)
    if habits.bos:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{habits.bos} $A", special_tokens=[(habits.bos, specials.index(habits.bos))]
        )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=habits.pad,
        eos_token=habits.eos,
        bos_token=habits.bos,
        additional_special_tokens=list(habits.others),
        clean_up_tokenization_spaces=False,
        model_max_length=1024,
    )
    fast.chat_template = (TEMPLATES / f"{family}.jinja").read_text(encoding="utf-8")
    return fast


def tiny_model(family: str, seed: int = 0) -> PreTrainedModel:
    """Two layers of width 32 of the class that the hub's model has."""
    torch.manual_seed(seed)
    if family == "gemma":
        config = Gemma3Config(
            text_config=WIDTHS | GEMMA_TEXT | {"tie_word_embeddings": True},
            vision_config=GEMMA_VISION,
            mm_tokens_per_image=4,
            image_token_index=VOCABULARY - 1,
            tie_word_embeddings=True,
        )
        return Gemma3ForConditionalGeneration(config)
    if family == "qwen":
        return Qwen2ForCausalLM(Qwen2Config(**WIDTHS))
    return LlamaForCausalLM(LlamaConfig(**WIDTHS))


def write_snapshot(family: str, folder: Path, seed: int = 0) -> Path:
    """A tiny model and its tokenizer in a folder, as a hub snapshot has them; an existing one stays."""
    if (folder / "tokenizer.json").is_file():
        return folder
    habits, tokenizer, model = HABITS[family], tiny_tokenizer(family), tiny_model(family, seed)
    ends = dict.fromkeys((tokenizer.eos_token, habits.end_of_turn))
    model.generation_config = GenerationConfig(
        eos_token_id=[tokenizer.convert_tokens_to_ids(token) for token in ends],
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        do_sample=True,
        **habits.generation,
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)  # last: a folder with it is whole
    return folder
