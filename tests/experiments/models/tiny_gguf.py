"""A tiny Llama with a chat template as a GGUF file, written by the `gguf` package; random weights in Q4_1."""

from pathlib import Path

import gguf
import numpy as np

WIDTH, MLP, HEADS, LAYERS = 32, 64, 2, 2
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def write_gguf(path: Path, *, seed: int = 0, architecture: str = "llama", most: int = 99) -> Path:
    """A file that transformers reads; `most` cuts off layers that its header promises."""
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_block_count(LAYERS)
    writer.add_context_length(256)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(MLP)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    vocabulary = _add_tokenizer(writer)
    for name, shape in _shapes(vocabulary, min(LAYERS, most)).items():
        _add(writer, name, np.random.default_rng([seed, *name.encode()]), shape)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_tokenizer(writer: gguf.GGUFWriter) -> int:
    letters = [chr(code) for code in range(33, 127)] + ["Ġ", "Ċ"]
    tokens = [*SPECIAL, *letters, "du", "ck"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types(
        [gguf.TokenType.CONTROL] * 3 + [gguf.TokenType.NORMAL] * (len(tokens) - 3)
    )
    writer.add_token_merges(["d u", "c k"])
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)
    writer.add_chat_template(TEMPLATE)
    writer.add_vocab_size(len(tokens))
    return len(tokens)


def _shapes(vocabulary: int, layers: int) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {
        "token_embd": (vocabulary, WIDTH),
        "output_norm": (WIDTH,),
    }
    for layer in range(layers):
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            shapes[f"blk.{layer}.{part}"] = (WIDTH, WIDTH)
        shapes |= {
            f"blk.{layer}.ffn_gate": (MLP, WIDTH),
            f"blk.{layer}.ffn_up": (MLP, WIDTH),
            f"blk.{layer}.ffn_down": (WIDTH, MLP),
            f"blk.{layer}.attn_norm": (WIDTH,),
            f"blk.{layer}.ffn_norm": (WIDTH,),
        }
    return shapes


def _add(
    writer: gguf.GGUFWriter, name: str, rng: np.random.Generator, shape: tuple[int, ...]
) -> None:
    values = rng.normal(size=shape, scale=0.3).astype(np.float32)
    if len(shape) == 1:
        writer.add_tensor(f"{name}.weight", values + 1)
        return
    kind = gguf.GGMLQuantizationType.Q4_1
    writer.add_tensor(f"{name}.weight", gguf.quants.quantize(values, kind), raw_dtype=kind)
