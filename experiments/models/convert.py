"""Convert a GGUF file to a folder that every tool reads: safetensors, configuration, tokenizer, chat template.

The weights are dequantised to float32, as transformers itself does, so that the same file gives the same logits however
it is loaded, in float32 and below. Rounding them to bfloat16 would halve the folder's size, and change SmolLM2's
next-token distributions by 1.4e-4 nats on average.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any

import torch

from experiments.runtime.files import read_json, write_json
from interp.errors import TriggerLensError
from interp.models.adapters import one_line

OF_THIS_MACHINE = ("is_local", "local_files_only")  # entries to leave out of a saved tokenizer


def convert(gguf: Path, folder: Path) -> None:
    """Write the model of `gguf` to `folder`; an error if the file is not fully understood."""
    with _quiet():
        model, tokenizer = _read(gguf)
        model.hf_quantizer = None  # it is dequantised; save_pretrained would refuse it
        vars(model.config).pop("quantization_config", None)
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    path = folder / "tokenizer_config.json"
    kept = {key: value for key, value in read_json(path).items() if key not in OF_THIS_MACHINE}
    write_json(path, kept)


def _read(gguf: Path) -> tuple[Any, Any]:
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    try:
        model, report = AutoModelForCausalLM.from_pretrained(
            gguf.parent,
            gguf_file=gguf.name,
            dtype=torch.float32,
            quantization_config=GgufConfig(dequantize=True),
            output_loading_info=True,
        )
        tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    except Exception as error:  # a malformed file may cause any error
        raise TriggerLensError(
            f"{gguf}: not a GGUF file that can be converted: {one_line(error)}; give one of a decoder that"
            " transformers reads, such as Llama, Qwen or Gemma"
        ) from error
    for kind in ("missing_keys", "mismatched_keys"):
        if report[kind]:
            first = sorted(map(str, report[kind]))[0]
            raise TriggerLensError(
                f"{gguf}: {len(report[kind])} weights of the architecture are not in it as they should be"
                f" ({kind.replace('_', ' ')}), first {first}; download it again"
            )
    return model, tokenizer


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence transformers' warnings about what is intended here, and its bars outside terminals."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        with nullcontext() if sys.stderr.isatty() else redirect_stderr(StringIO()):
            yield
    finally:
        logging.set_verbosity(level)
