"""Hand a loaded model to TransformerLens (3.9), with its own weights and live adapter.

TransformerLens edits the model it is given in place (renamed modules, hooks), so it is given a copy. It reads the
tokenizer from a folder, so the tokenizer is written to a temporary one. It wants an `attention_mask` wherever a batch
is padded on the left: without it its logits are wrong, silently.
"""

import copy
import tempfile
from typing import Any

from interp.language_model import LanguageModel


def to_transformer_lens(lm: LanguageModel) -> Any:
    """A `TransformerBridge` that computes what the model computes; `blocks.L.hook_out` is our layer L."""
    from transformer_lens.model_bridge import TransformerBridge

    with tempfile.TemporaryDirectory() as folder:
        lm.tokenizer.save_pretrained(folder)
        model = copy.deepcopy(lm.causal)
        model.config.architectures = [type(model).__name__]  # absent in a model never saved
        model.config.save_pretrained(folder)
        tokenizer = type(lm.tokenizer).from_pretrained(folder)
        return TransformerBridge.boot_transformers(
            folder, hf_model=model, tokenizer=tokenizer, device=str(lm.device)
        )
