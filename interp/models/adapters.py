"""Put a LoRA adapter on its base, or refuse.

PEFT only warns when nothing of an adapter matches, and the bare base would be analysed instead. So an adapter must name
this base and hold safetensors, and each of its weights must have a place in the model and each place its weights. What
the model with the adapter cannot be used for is measured; `interp.models.adapter_limits.limits` returns it.
"""

import dataclasses
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NoReturn

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from interp.errors import TriggerLensError
from interp.io.safetensors_header import read_header
from interp.models.adapter_config import ranks, read_adapter_config
from interp.models.adapter_files import CONFIG, WEIGHTS, check_base, one_line
from interp.models.adapter_limits import OFF, check_use, limits
from interp.models.adapter_measure import Base, logits, measured_limits, probe_ids, same
from interp.models.adapter_targets import (
    alpha_patterns_lost,
    left_out,
    modules_of,
    renamed,
    with_parameters,
)

__all__ = ["attach", "check_base", "merged", "one_line"]


def attach(
    model: Any,
    base: str,
    adapter: str | Path,
    *,
    revision: str | None = None,
    base_name: str | None = None,
) -> Any:
    """The model with the adapter attached; `base_name` is the adapter's name for its base if the path has another.

    `model` is the base in memory, loaded from `base`; it is wrapped in place. A one-line ValueError if any part of the
    adapter does not fit.
    """
    folder = check_base(base, adapter, revision=revision, base_name=base_name)
    _check_ranks(read_header(folder / WEIGHTS), folder)
    try:
        config = _config(folder)
        _aim(model, config, load_file(folder / WEIGHTS))
        before = Base.of(model, config)
        adapted = _load(model, config, folder)
    except (RuntimeError, ValueError, KeyError, TypeError, SafetensorError) as error:
        reason = f"no {error} in {WEIGHTS}" if isinstance(error, KeyError) else one_line(error)
        raise TriggerLensError(f"adapter {adapter} does not fit {base!r}: {reason}") from error
    adapted.measured_limits = measured_limits(adapted, before)
    if OFF in limits(adapted):
        adapted.disable_adapter = lambda: _refuse_off(adapted, str(adapter))
    return adapted


def merged(adapted: Any, name: str) -> Any:
    """The adapter added to the base's weights, in place; ValueError if the model computes something else afterwards."""
    (config,) = adapted.peft_config.values()
    ids = probe_ids(adapted.get_base_model(), config)
    before = logits(adapted.get_base_model(), ids)
    _untie(adapted.get_base_model())
    try:
        whole = adapted.merge_and_unload()
    except (RuntimeError, ValueError, TypeError) as error:
        raise TriggerLensError(
            f"{name} cannot be merged: {one_line(error)}; load it unmerged"
        ) from error
    after = logits(whole, ids)
    if not same(after, before):
        off = float((after - before).abs().max())
        raise TriggerLensError(f"{name}: merging changes the logits by {off:.2g}; load it unmerged")
    return whole


def _config(folder: Path) -> Any:
    """The settings as PEFT reads them; ValueError for those that it would drop with a warning."""
    from peft import LoraConfig, PeftConfig

    known = {field.name for field in dataclasses.fields(LoraConfig)}
    for key, value in read_adapter_config(folder / CONFIG).items():
        if key not in known and value and type(value) not in (int, float):
            raise TriggerLensError(
                f"its {CONFIG} sets {key}, which this PEFT does not know; upgrade it"
            )
    return PeftConfig.from_pretrained(str(folder))


def _aim(model: Any, config: Any, saved: Mapping[str, Tensor]) -> None:
    """Make the settings target exactly the modules that the weights belong to."""
    if broken := next((name for name, each in saved.items() if not each.isfinite().all()), None):
        raise TriggerLensError(f"{broken} holds numbers that are not finite")
    current = renamed(model, config, dict(saved))
    old, new = modules_of(saved), modules_of(current)
    _check_saved_base(model, current)
    _refuse_strangers(new - {name for name, _ in model.named_modules()})
    if missing := left_out(model, config, new):
        raise TriggerLensError(
            f"{len(missing)} modules that its {CONFIG} targets have no weights in {WEIGHTS}, first {missing[0]}"
        )
    if lost := alpha_patterns_lost(config, old, new):
        raise TriggerLensError(
            f"alpha_pattern {lost[0]!r} names modules by an older name; rename them"
        )
    config.target_modules = new - with_parameters(model, config.target_parameters)
    config.exclude_modules = config.layers_to_transform = config.layers_pattern = None


def _check_saved_base(model: Any, current: Mapping[str, Tensor]) -> None:
    """Raise unless the embeddings that PEFT saved with the adapter are this base's, up to rounding."""
    own = dict(model.named_parameters())
    for name, saved in current.items():
        place = name.removeprefix("base_model.model.").replace(".base_layer.", ".")
        if not name.endswith(".base_layer.weight") or place not in own:  # biases may be trained
            continue
        there = own[place].detach().float().cpu()
        if there.shape != saved.shape or not torch.allclose(there, saved.float(), 2e-2, 1e-3):
            raise TriggerLensError(
                f"it holds the {place} of the base that it was trained on, but this base has another; load that base"
            )


def _load(model: Any, config: Any, folder: Path) -> Any:
    """The model with the adapter as PEFT loads it; ValueError for weights without a place or places without weights."""
    from peft import PeftModel

    adapted = PeftModel.from_pretrained(model, str(folder), config=config)
    result = adapted.load_adapter(str(folder), "default")  # again, for what PEFT only warns about
    saved = load_file(folder / WEIGHTS)
    unexpected = [name for name in result.unexpected_keys if not _is_second_copy(name, saved)]
    _refuse_strangers([*unexpected, *result.missing_keys])
    return adapted


def _is_second_copy(name: str, saved: Mapping[str, Tensor]) -> bool:
    """Whether PEFT saved a trained embedding or head twice, as it does after resizing: here and without the wrapper."""
    other = name.replace(".modules_to_save.", ".")
    return other != name and other in saved and torch.equal(saved[other], saved[name])


def _refuse_strangers(names: Collection[str]) -> None:
    if names:
        raise TriggerLensError(
            f"{len(names)} weights of file and model do not match, first {min(names)!r}; was it saved from another"
            " architecture or renamed model?"
        )


def _check_ranks(shapes: Mapping[str, tuple[int, ...]], folder: Path) -> None:
    """Raise if the configuration asks for a rank that no weight of the file has: its memory would be wasted."""
    held = {size for name, shape in shapes.items() if "lora_" in name for size in shape}
    wanted = max(ranks(read_adapter_config(folder / CONFIG)))
    if wanted > max(held, default=0):
        raise TriggerLensError(
            f"adapter {folder}: its {CONFIG} asks for rank {wanted}, which no weight of {WEIGHTS} has"
        )


def _untie(model: Any) -> None:
    """Give the head its own matrix if an adapter acts on it or on the embeddings that it is tied to."""
    layers = [model.get_input_embeddings(), model.get_output_embeddings()]
    embeddings, head = (getattr(layer, "base_layer", layer) for layer in layers)
    if embeddings.weight is head.weight and (embeddings, head) != tuple(layers):
        head.weight = nn.Parameter(head.weight.detach().clone(), requires_grad=False)
        for config in (model.config, model.config.get_text_config(decoder=True)):
            config.tie_word_embeddings = False


def _refuse_off(adapted: Any, name: str) -> NoReturn:
    check_use(adapted, OFF, name)
    raise AssertionError("only called where it is refused")
