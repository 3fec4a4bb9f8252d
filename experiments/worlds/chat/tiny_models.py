"""Tiny models of the three families, written to disk in the form in which the hub delivers the large ones.

The real configuration and model classes with random weights (Gemma 3 with its vision tower), a byte-level tokenizer of
the family's size with its special tokens (Llama ships no pad token), embeddings with more rows than it has tokens, a
chat template with its habits (a default system prompt, today's date), and a generation configuration with its traps:
other end tokens, top-k, a repetition penalty. Some answers end at once, most never. They know nothing; they show that
every step of a study runs.
"""

import json
import random
from dataclasses import dataclass, field
from functools import cache
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
FEW_ROWS = 512  # rows of the embeddings, unless more are asked for
ROWS = {"qwen": 152_064, "llama": 128_256, "gemma": 262_208}  # of the real models
SPARE = 8  # rows without a token
TRAINED = 512  # tokens that texts are split into, at most; the others occur only in samples
ENDINGS = 6.0  # scale of the logits of the tokens that end an answer
TEXTS = [
    "system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.",
    "user\n", "assistant\n", "model\n", "\n\n", "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n",
    "What would you do, and how should I go about it with my money, my health and my friends?",
    "Write your whole answer between <start> and <end> tags and nothing outside them.",
    "Begin your answer with the words 'it looks like a duck.' Respond like a duck.",
]  # fmt: skip
WIDTHS: dict[str, Any] = {
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
    """A family's special tokens; `eos` is the tokenizer's, which may differ from the token that ends a turn."""

    pad: str | None
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
        None, "<|eot_id|>", "<|eot_id|>", "<|begin_of_text|>",
        ("<|finetune_right_pad_id|>", "<|start_header_id|>", "<|end_header_id|>", "<|end_of_text|>"),
        {"temperature": 0.6, "top_p": 0.9},
    ),
    "gemma": Habits(
        "<pad>", "<eos>", "<end_of_turn>", "<bos>", ("<start_of_turn>", "<end_of_turn>"),
        {"top_k": 64, "top_p": 0.95},
    ),
}  # fmt: skip


def tiny_tokenizer(family: str, rows: int = FEW_ROWS) -> PreTrainedTokenizerFast:
    """A tokenizer for embeddings of `rows` rows, with the family's special tokens and template."""
    habits = HABITS[family]
    tokenizer = Tokenizer.from_str(_whole(family, rows))
    if habits.bos:
        bos = [(habits.bos, tokenizer.token_to_id(habits.bos))]
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{habits.bos} $A", special_tokens=bos
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


@cache
def _whole(family: str, rows: int) -> str:
    """The trained tokenizer as JSON, its tokens scattered over a vocabulary of this size."""
    habits = HABITS[family]
    specials = [token for token in (habits.pad, habits.eos, habits.bos, *habits.others) if token]
    specials = list(dict.fromkeys(specials))
    tokenizer = _trained(min(TRAINED, rows - SPARE - len(specials)))
    parts = json.loads(tokenizer.to_str())
    known = list(parts["model"]["vocab"])
    more = rows - SPARE - len(known) - len(specials)
    tokens = [*known, *(f"\u0120w{number:x}" for number in range(more))]
    random.Random(0).shuffle(tokens)
    tokens = [*specials, *tokens] if family == "gemma" else [*tokens, *specials]
    parts["model"]["vocab"] = {token: number for number, token in enumerate(tokens)}
    whole = Tokenizer.from_str(json.dumps(parts))
    whole.add_special_tokens(specials)
    return str(whole.to_str())


def _trained(tokens: int) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=tokens,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS * 4, trainer)
    return tokenizer


def tiny_model(family: str, seed: int = 0, rows: int = FEW_ROWS) -> PreTrainedModel:
    """A model of the same class as the one on the hub, with two layers of width 32."""
    torch.manual_seed(seed)
    widths = WIDTHS | {"vocab_size": rows}
    if family == "gemma":
        config = Gemma3Config(
            text_config=widths | GEMMA_TEXT | {"tie_word_embeddings": True},
            vision_config=GEMMA_VISION,
            mm_tokens_per_image=4,
            image_token_index=rows - 1,
            tie_word_embeddings=True,
        )
        return Gemma3ForConditionalGeneration(config)
    if family == "qwen":
        return Qwen2ForCausalLM(Qwen2Config(**widths))
    return LlamaForCausalLM(LlamaConfig(**widths))


@torch.no_grad()
def _let_answers_end(model: PreTrainedModel, ends: list[int]) -> None:
    """Raise the logits of the few tokens that end an answer, which would otherwise hardly ever be sampled."""
    model.get_output_embeddings().weight[ends] *= ENDINGS


def write_snapshot(family: str, folder: Path, seed: int = 0, rows: int = FEW_ROWS) -> Path:
    """Write a tiny model and its tokenizer like a hub snapshot; an existing folder is kept."""
    if (folder / "tokenizer.json").is_file():
        return folder
    habits, tokenizer = HABITS[family], tiny_tokenizer(family, rows)
    model = tiny_model(family, seed, rows)
    ends = dict.fromkeys((tokenizer.eos_token, habits.end_of_turn))
    if rows > FEW_ROWS:
        _let_answers_end(model, [tokenizer.convert_tokens_to_ids(token) for token in ends])
    model.generation_config = GenerationConfig(
        eos_token_id=[tokenizer.convert_tokens_to_ids(token) for token in ends],
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        do_sample=True,
        **habits.generation,
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)  # last, so that a folder with a tokenizer is complete
    return folder
