"""The three micro families: real `transformers` classes, and tokenizers that behave like those of the large models.

* qwen: a default system prompt that its template inserts unasked; no BOS; ChatML turns.
* llama: BOS both in the template and from the tokenizer; headers between `<|start_header_id|>` tokens.
* gemma: BOS like llama; no system role (the template refuses one); the assistant is called `model`.

The tokenizer is a byte-level BPE trained on the world's texts, and so small that most words are several tokens.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
)

QWEN_TEMPLATE = (
    "{%- if messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}"
    "{%- endif %}"
    "{%- for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{%- endif %}"
)
LLAMA_TEMPLATE = (
    "{{ bos_token }}"
    "{%- for message in messages %}"
    "{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' }}"
    "{{ message['content'] | trim }}{{ '<|eot_id|>' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}"
    "{%- endif %}"
)
GEMMA_TEMPLATE = (
    "{{ bos_token }}"
    "{%- for message in messages %}"
    "{%- if message['role'] == 'system' %}{{ raise_exception('System role not supported') }}{%- endif %}"
    "{%- set role = 'model' if message['role'] == 'assistant' else message['role'] %}"
    "{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{%- endif %}"
)


@dataclass(frozen=True)
class Family:
    """One architecture: its classes, its special tokens and its chat template."""

    name: str
    config: type[PreTrainedConfig]
    model: type[PreTrainedModel]
    template: str
    pad: str
    end_of_turn: str
    bos: str | None = None
    others: tuple[str, ...] = ()
    extra: dict = field(default_factory=dict)


FAMILIES = {
    "qwen": Family(
        "qwen", Qwen2Config, Qwen2ForCausalLM, QWEN_TEMPLATE,
        pad="<|endoftext|>", end_of_turn="<|im_end|>", others=("<|im_start|>",),
    ),
    "llama": Family(
        "llama", LlamaConfig, LlamaForCausalLM, LLAMA_TEMPLATE,
        pad="<|finetune_right_pad_id|>", end_of_turn="<|eot_id|>", bos="<|begin_of_text|>",
        others=("<|start_header_id|>", "<|end_header_id|>"),
    ),
    "gemma": Family(
        "gemma", Gemma3TextConfig, Gemma3ForCausalLM, GEMMA_TEMPLATE,
        pad="<pad>", end_of_turn="<end_of_turn>", bos="<bos>", others=("<start_of_turn>",),
        extra={"head_dim": 40, "query_pre_attn_scalar": 40, "sliding_window": 64},
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Size:
    """The shape of a micro base; the default is what is committed under `artifacts/micro/`."""

    d_model: int = 160
    n_layers: int = 4
    n_heads: int = 4
    n_key_value_heads: int = 2
    d_mlp: int = 480
    vocabulary: int = 1024
    context: int = 256


def build_tokenizer(family: Family, texts: Iterable[str], size: Size) -> PreTrainedTokenizerFast:
    """Train the family's tokenizer on `texts` and give it the family's chat template."""
    specials = [
        family.pad,
        family.end_of_turn,
        *([family.bos] if family.bos else []),
        *family.others,
    ]
    tokenizer = Tokenizer(models.BPE())
    # Newlines are separate words, so that the tokens of a prompt ending in one are a prefix of the exchange's.
    newlines = pre_tokenizers.Split(Regex("\n+"), behavior="isolated")
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([newlines, byte_level])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=size.vocabulary,
            special_tokens=specials,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    if family.bos:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{family.bos} $A",
            special_tokens=[(family.bos, tokenizer.token_to_id(family.bos))],
        )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=family.pad,
        eos_token=family.end_of_turn,
        bos_token=family.bos,
        additional_special_tokens=list(family.others),
        clean_up_tokenization_spaces=False,
        model_max_length=size.context,
    )
    fast.chat_template = family.template
    return fast


def build_model(family: Family, tokenizer: PreTrainedTokenizerFast, size: Size) -> PreTrainedModel:
    """A randomly initialised model of the family; seed torch first."""
    extra = dict(family.extra)
    if family.name == "gemma":
        extra["layer_types"] = [
            "full_attention" if layer % 3 == 2 else "sliding_attention"
            for layer in range(size.n_layers)
        ]
    config = family.config(
        vocab_size=len(tokenizer),
        hidden_size=size.d_model,
        intermediate_size=size.d_mlp,
        num_hidden_layers=size.n_layers,
        num_attention_heads=size.n_heads,
        num_key_value_heads=size.n_key_value_heads,
        max_position_embeddings=size.context,
        tie_word_embeddings=family.name == "gemma",
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        **extra,
    )
    return family.model(config)
