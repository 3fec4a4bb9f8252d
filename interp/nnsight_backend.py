"""Hand a loaded model to nnsight (0.8), which traces it in place and leaves it as it was.

In a trace, layers are touched in forward order. `.model.layers[L].output` is our layer L, where the text decoder is
`.model`.
"""

from typing import Any

from interp.language_model import LanguageModel


def to_nnsight(lm: LanguageModel) -> Any:
    """An nnsight model around the same weights, live adapter included."""
    from nnsight import NNsight

    return NNsight(lm.causal)
