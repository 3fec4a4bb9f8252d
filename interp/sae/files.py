"""Read SAEs that sae-lens saved; for every other format, the error names it and says what to do.

Files are read by sae-lens's own `SAE.load_from_disk`, in every version of its configuration, so the numbers are those
of sae-lens. An SAE that sae-lens would read with other numbers than it was trained with is refused.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sae_lens import SAE
from sae_lens.registry import SAE_CLASS_REGISTRY, SAE_TRAINING_CLASS_REGISTRY
from safetensors import safe_open

from interp.capture.hook_points import HookPoint
from interp.errors import TriggerLensError
from interp.io.safetensors_header import read_header
from interp.models.adapters import one_line
from interp.sae.sparsify import is_sparsify, read_sparsify

SETTINGS, WEIGHTS = "cfg.json", "sae_weights.safetensors"
NEEDED = ("d_in", "d_sae", "dtype")
SPARSIFY = {"expansion_factor", "num_latents"}  # keys that only a configuration of sparsify has
OTHERS = {  # files of other formats
    "ae.pt": "dictionary_learning, pickled; pickles are not loaded",
    "params.npz": "Gemma Scope",
    "params.safetensors": "Gemma Scope 2",
}
DECODER = (
    r"(?:(?:base_model|model|language_model|transformer|gpt_neox|decoder)\.)*(?:layers|h)\.(\d+)"
)
HOOKS = {  # names of places in releases; TransformerLens first, then modules of transformers
    r"blocks\.(\d+)\.hook_resid_post": "resid_post",
    r"blocks\.(\d+)\.hook_out": "resid_post",
    r"blocks\.(\d+)\.hook_attn_out": "attn_out",
    r"blocks\.(\d+)\.hook_mlp_out": "mlp_out",
    DECODER + r"(?:\.output)?": "resid_post",
    DECODER + r"\.self_attn(?:\.output)?": "attn_out",
    DECODER + r"\.mlp(?:\.output)?": "mlp_out",
}


def read_sae(folder: str | Path) -> Any:
    """The SAE as sae-lens loads it, always on the CPU; a one-line ValueError if that fails."""
    folder = Path(folder)
    if is_sparsify(folder):
        return _of_sparsify(folder)
    settings = _settings(folder)
    check_architecture(settings.get("architecture", "standard"), str(folder))
    _check_settings(folder, settings)
    _check_weights(folder)
    try:
        model = SAE.load_from_disk(folder)
    except Exception as error:  # settings of the wrong types or shapes can raise anything
        raise TriggerLensError(
            f"SAE {folder} cannot be loaded by sae-lens: {one_line(error)}; correct {SETTINGS}, or download it again"
        ) from error
    _fill_layer(model, settings)
    _check_finite(model, folder)
    return model


def _of_sparsify(folder: Path) -> Any:
    try:
        model = read_sparsify(folder)
    except TriggerLensError:
        raise
    except Exception as error:  # settings or weights of another form can raise anything
        raise TriggerLensError(
            f"{folder} cannot be read as an SAE of EleutherAI's sparsify ({one_line(error)}); download it again"
        ) from error
    _check_finite(model, folder)
    return model


def place_of(hook: str, name: str) -> HookPoint:
    """The place that the name of a hook or module refers to."""
    for pattern, site in HOOKS.items():
        if named := re.fullmatch(pattern, hook):
            return HookPoint(int(named[1]), site)
    before = re.fullmatch(r"blocks\.(\d+)\.hook_resid_pre", hook)
    if before and int(before[1]) > 0:
        return HookPoint(int(before[1]) - 1, "resid_post")  # a layer's input is the output below
    raise TriggerLensError(
        f"{name} reads {hook!r}, which is not resid_post, attn_out or mlp_out of a layer; "
        "give an SAE of one of these"
    )


def check_architecture(architecture: Any, name: str) -> None:
    """Raise unless sae-lens has this architecture and it decomposes one place."""
    if "transcoder" in str(architecture):
        raise TriggerLensError(
            f"{name} is a {architecture}: it predicts an MLP's output from its input and does not decompose one place, "
            "so its features can neither be read nor removed there; give an SAE"
        )
    if architecture in list(SAE_CLASS_REGISTRY):
        return
    if architecture in list(SAE_TRAINING_CLASS_REGISTRY):
        raise TriggerLensError(
            f"{name} was saved to be trained further ({architecture}); save it with save_inference_model"
        )
    raise TriggerLensError(
        f"{name}: unknown architecture {architecture!r}; sae-lens has {', '.join(SAE_CLASS_REGISTRY)}"
    )


def _settings(folder: Path) -> dict[str, Any]:
    path = folder / SETTINGS
    if not path.is_file():
        raise TriggerLensError(f"{folder} holds no SAE of sae-lens: {_instead(folder, SETTINGS)}")
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TriggerLensError(
            f"{folder} holds no SAE of sae-lens: {SETTINGS}: {one_line(error)}; download it again"
        ) from error
    if not isinstance(settings, dict):
        raise TriggerLensError(
            f"{folder} holds no SAE of sae-lens: {SETTINGS} is a {type(settings).__name__}, not an object"
        )
    return settings


def _instead(folder: Path, missing: str) -> str:
    """What is at a path without the file, and what to give instead."""
    if not folder.is_dir():
        return (
            f"it is a file; give its folder, {folder.parent}"
            if folder.exists()
            else "no such folder; check the path"
        )
    for file, kind in OTHERS.items():
        if (folder / file).is_file():
            return f"{file} has another format ({kind}); {_convert()}"
    below = sorted(path.parent.name for path in folder.glob(f"*/{missing}"))
    return f"no {missing}; give " + (
        f"one of its folders, such as {below[0]}" if below else "the folder that has it"
    )


def _convert() -> str:
    return "load it with its own library, write it with sae-lens's save_model, and give that folder"


def _check_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    """Raise if sae-lens would read something other than what was trained."""
    where = folder / SETTINGS
    if settings.keys() & SPARSIFY and "d_sae" not in settings:
        raise TriggerLensError(f"{where} is a configuration of EleutherAI's sparsify; {_convert()}")
    missing = [key for key in NEEDED if key not in settings]
    if missing:
        raise TriggerLensError(
            f"{where} has no {missing[0]!r}, which sae-lens saves; download it again"
        )
    activation = settings.get("activation_fn_str", settings.get("activation_fn", "relu"))
    if activation == "topk":
        if not isinstance((settings.get("activation_fn_kwargs") or {}).get("k"), int):
            raise TriggerLensError(
                f'{where}: topk without "activation_fn_kwargs": {{"k": ...}}; add it'
            )
    elif activation not in ("relu", None):
        raise TriggerLensError(
            f"{where}: activation {activation!r}, which sae-lens would replace by relu; give an SAE with relu or topk"
        )


def _check_weights(folder: Path) -> None:
    path = folder / WEIGHTS
    if not path.is_file():
        raise TriggerLensError(f"SAE {folder} has no weights: {_instead(folder, WEIGHTS)}")
    scales = {"finetuning_scaling_factor", "scaling_factor"} & read_header(path).keys()
    for name in scales:
        if name == "scaling_factor" and _all_ones(path, name):
            continue  # some versions wrote it for every SAE; sae-lens ignores it
        raise TriggerLensError(
            f"{path} holds {name!r}, which sae-lens no longer applies; multiply the rows of W_dec by it, "
            "leave it out of the file, and set finetuning_scaling_factor to false"
        )


def _all_ones(path: Path, name: str) -> bool:
    with safe_open(path, framework="pt") as file:
        return bool((file.get_tensor(name) == 1).all())


def _fill_layer(model: Any, settings: Mapping[str, Any]) -> None:
    """Put the layer into names of early versions, such as "blocks.{layer}.hook_resid_post"."""
    hook = model.cfg.metadata.hook_name
    layer = settings.get("hook_point_layer", settings.get("hook_layer"))
    if isinstance(hook, str) and "{layer}" in hook and isinstance(layer, int):
        model.cfg.metadata.hook_name = hook.replace("{layer}", str(layer))


def _check_finite(model: Any, folder: Path) -> None:
    for name, weight in model.state_dict().items():
        broken = weight.isnan() if name == "threshold" else ~weight.isfinite()
        if bool(broken.any()):
            raise TriggerLensError(
                f"SAE {folder}: {int(broken.sum())} of {weight.numel()} numbers of {name} are NaN or infinite; "
                "download it again"
            )
