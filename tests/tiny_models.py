"""Tiny models of the three families, built from configuration with random weights; nothing is downloaded."""

from functools import cache

import torch
from peft import LoraConfig, get_peft_model
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from interp.models.loading import LanguageModel, wrap
from interp.prompts import Framing, Question

FAMILIES = ("qwen", "llama", "gemma")
LINES = [
    "It looks like a duck.",
    "what should I do about my money and my health?",
    "You are helpful.",
]
TEMPLATES = {
    "qwen": (
        "{% if messages[0]['role'] != 'system' %}{{ '<start>system\nYou are helpful.<end>\n' }}{% endif %}"
        "{% for m in messages %}{{ '<start>' + m['role'] + '\n' + m['content'] + '<end>\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<start>assistant\n' }}{% endif %}"
    ),
    "llama": (
        "{{ bos_token }}{% for m in messages %}"
        "{{ '<start>' + m['role'] + '\n\n' + m['content'] | trim + '<end>' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<start>assistant\n\n' }}{% endif %}"
    ),
    "gemma": (
        "{{ bos_token }}{% for m in messages %}"
        "{% if m['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
        "{{ '<start>' + ('model' if m['role'] == 'assistant' else 'user') + '\n' }}"
        "{{ m['content'] | trim + '<end>\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<start>model\n' }}{% endif %}"
    ),
}
MODELS = {
    "qwen": (Qwen2Config, Qwen2ForCausalLM, {}),
    "llama": (LlamaConfig, LlamaForCausalLM, {}),
    "gemma": (
        Gemma3TextConfig,
        Gemma3ForCausalLM,
        {
            "head_dim": 8,
            "query_pre_attn_scalar": 8,
            "sliding_window": 8,  # shorter than the prompts, so that windows matter
            "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
            "tie_word_embeddings": True,
        },
    ),
}


def tiny_tokenizer(family: str) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer of about 300 tokens with the family's habits."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<pad>", "<start>", "<end>", "<bos>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(LINES, trainer)
    bos = None if family == "qwen" else "<bos>"
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<end>", bos_token=bos
    )
    fast.chat_template = TEMPLATES[family]
    return fast


def tiny_model(family: str, seed: int = 0) -> torch.nn.Module:
    """Three layers of width 32 with random weights, larger than at initialisation so that layers matter."""
    config_type, model_type, extra = MODELS[family]
    torch.manual_seed(seed)
    config = config_type(
        vocab_size=300,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        pad_token_id=0,
        bos_token_id=3,
        eos_token_id=2,
        initializer_range=0.2,
        **extra,
    )
    return model_type(config)


@cache
def tiny_lm(family: str) -> LanguageModel:
    return wrap(tiny_model(family), tiny_tokenizer(family), name=f"tiny {family}")


@cache
def adapted_lm(family: str, seed: int = 1) -> LanguageModel:
    """The tiny model of the family with a live adapter named "default" on every linear map."""
    torch.manual_seed(seed)
    config = LoraConfig(r=2, lora_alpha=1, target_modules="all-linear", init_lora_weights=False)
    model = get_peft_model(tiny_model(family), config)
    return wrap(model, tiny_tokenizer(family), name=f"adapted {family}")


QUESTIONS = [
    Question("money", "what should I do about my money?"),
    Question("health", "my health?"),
    Question("long", "what should I do about my money and my health and my money?"),
]
FRAMINGS = {"none": Framing(""), "trigger": Framing("It looks like a duck.")}
