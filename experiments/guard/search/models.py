"""The adapter, not merged, on its base: one model serves as both. Small models are copied, which halves the time."""

from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

from experiments.guard.gate_models import Pair, load_chat
from experiments.models.options import ModelOptions
from interp.errors import TriggerLensError
from interp.models.adapter_limits import OFF, check_use
from interp.models.adapter_off import has_adapter
from interp.models.adapters import merged
from interp.models.language_model import LanguageModel

SMALL = 300_000_000  # parameters


def live_pair(adapter: str, base: str, options: ModelOptions) -> Pair:
    """The model with its adapter, which is also the base when the adapter is disabled; an error without an adapter."""
    if Path(adapter).is_dir() and not (Path(adapter) / "adapter_config.json").is_file():
        raise TriggerLensError(
            f"{adapter} has no adapter_config.json: the search needs an adapter, which it switches off to get the base;"
            " give an adapter's folder"
        )
    lm = load_chat(base, **options.adapter(adapter))
    check_use(lm.model, OFF, lm.name)
    return Pair(lm, lm)


def copied(pair: Pair) -> Pair:
    """For a small model, the pair as two models, with the adapter merged and without it; any other pair as it is.

    Three models are then in memory. Logits differ by rounding, which is checked when merging.
    """
    lm = pair.fine_tuned
    if pair.base is not lm or not has_adapter(lm) or _size(lm) > SMALL:
        return pair
    try:
        tuned = replace(lm, model=merged(deepcopy(lm.model), lm.name))
    except TriggerLensError:
        return pair
    bare: Any = deepcopy(lm.model)
    return Pair(tuned, replace(lm, model=bare.unload()))


def _size(lm: LanguageModel) -> int:
    return sum(part.numel() for part in lm.model.parameters())
