"""The tokenizer that a model was trained with: an adapter's own if its folder has one, else its base's."""

from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from interp.errors import TriggerLensError
from interp.models.adapters import one_line
from interp.models.gguf_files import gguf_options

TOKENIZERS = ("tokenizer_config.json", "tokenizer.json", "tokenizer.model")
TEMPLATE = "chat_template.jinja"


def load_tokenizer(path: str, adapter: Path | None, **options: Any) -> Any:
    """The tokenizer of the model at `path`, or that of the adapter on it; a template is looked for in both."""
    source, gguf = gguf_options(path)
    if adapter is None or not any((adapter / name).is_file() for name in TOKENIZERS):
        tokenizer = _load(source, **options, **gguf)
    else:
        tokenizer = _load(str(adapter))
    if adapter is not None and not getattr(tokenizer, "chat_template", None):
        tokenizer.chat_template = _load(source, **options, **gguf).chat_template
    if adapter is not None and (adapter / TEMPLATE).is_file():
        tokenizer.chat_template = (adapter / TEMPLATE).read_text("utf-8")
    return tokenizer


def _load(source: str, **options: Any) -> Any:
    try:
        return AutoTokenizer.from_pretrained(source, **options)
    except Exception as error:  # files of the wrong kind can raise anything
        raise TriggerLensError(
            f"the tokenizer of {source!r} cannot be loaded: {one_line(error)}"
        ) from error
