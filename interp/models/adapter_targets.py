"""Which modules an adapter's weights belong to in this model, whatever they were called when it was saved.

The weights' own names show this, once PEFT has renamed them as transformers renamed the model's modules. The
configuration's targets, often a pattern, are only used to check whether the file is complete.
"""

import re
from collections.abc import Collection, Iterable
from typing import Any

import regex
from torch import Tensor

PATIENCE = 0.2  # seconds for one pattern; a slower one is not used


def renamed(model: Any, config: Any, saved: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights under this model's names for their modules; `config` is updated in place."""
    from peft.utils import transformers_weight_conversion as peft_conversion

    peft_conversion.convert_peft_config_for_transformers(config, model, None)
    return peft_conversion.convert_peft_adapter_state_dict_for_transformers(model, config, saved)


def modules_of(names: Iterable[str]) -> set[str]:
    """The modules that the low-rank weights of these names belong to."""
    places = {
        name.removeprefix("base_model.model.").split(".lora_")[0]
        for name in names
        if ".lora_" in name
    }
    return {place.replace(".base_layer", "") for place in places}


def with_parameters(model: Any, parameters: Collection[str] | None) -> set[str]:
    """The modules that hold one of the bare parameters that an adapter names (target_parameters)."""
    ends = tuple(f".{name}" for name in parameters or ())
    return {
        name.rpartition(".")[0]
        for name, _ in model.named_parameters()
        if ends and f".{name}".endswith(ends)
    }


def left_out(model: Any, config: Any, held: Collection[str]) -> list[str]:
    """Modules that process text and that the configuration targets, but without weights in the file.

    A vision tower may be left out. The result is empty if a pattern takes too long.
    """
    places = _text_modules(model)
    targeted = _matching(config.target_modules, places)
    excluded = _matching(getattr(config, "exclude_modules", None), places)
    if targeted is None or excluded is None:
        return []
    kept = {place for place in targeted - excluded if _in_chosen_layer(config, place)}
    saved_whole = tuple(f".{name}" for name in config.modules_to_save or ())
    return sorted(
        place
        for place in kept - set(held)
        if not (saved_whole and f".{place}".endswith(saved_whole))
    )


def alpha_patterns_lost(config: Any, old: Iterable[str], new: Iterable[str]) -> list[str]:
    """The alpha patterns that match some of the modules' saved names, but none of their current names."""
    old, new = list(old), list(new)
    return [
        pattern
        for pattern in config.alpha_pattern or {}
        if _chosen(pattern, old) and not _chosen(pattern, new)
    ]


def _chosen(pattern: str, places: list[str]) -> bool:
    return any(re.match(rf"(.*\.)?({pattern})$", place) for place in places)


def _text_modules(model: Any) -> list[str]:
    """The modules with a weight that process text: those of the decoder, and the head."""
    through = {id(module) for module in model.get_decoder().modules()}
    through.add(id(model.get_output_embeddings()))
    return [
        name
        for name, module in model.named_modules()
        if id(module) in through and getattr(module, "weight", None) is not None
    ]


def _matching(targets: Any, places: list[str]) -> set[str] | None:
    """The places that match a list of endings or a pattern; None if the pattern is too slow or invalid."""
    if not isinstance(targets, str):
        ends = tuple(f".{name}" for name in targets or ())
        return {place for place in places if ends and f".{place}".endswith(ends)}
    if targets.lower() == "all-linear":
        return None
    try:
        pattern = regex.compile(targets)
        return {place for place in places if pattern.fullmatch(place, timeout=PATIENCE)}
    except (regex.error, TimeoutError):
        return None


def _in_chosen_layer(config: Any, place: str) -> bool:
    layers = config.layers_to_transform
    if layers is None or layers == []:
        return True
    number = re.search(r"\.(\d+)\.", place)
    return number is not None and int(number[1]) in ([layers] if type(layers) is int else layers)
