"""SAEs of EleutherAI's sparsify: `cfg.json` and `sae.safetensors` in a folder that is named after its hook point.

    load_sae("checkpoints/layers.10", lm)      read as a TopK SAE of sae-lens, with sparsify's numbers
    save_sparsify(sae, folder)                 writes folder/layers.10

Both compute relu(W (x - b_dec) + b), keep the k largest, and decode with W_dec and b_dec; weights are renamed and
transposed, nothing is approximated. Written by sparsify 1.3; sae-lens's own loader of this format is not used, because
it transposes the decoder and reads `normalize_decoder` as if it were about the input.
"""

import json
from pathlib import Path
from typing import Any

import torch
from sae_lens import SAE
from safetensors.torch import load_file, save_file
from torch import Tensor

from interp.errors import TriggerLensError
from interp.io.files import put

SETTINGS, WEIGHTS = "cfg.json", "sae.safetensors"
NAMES = {"W_enc": "encoder.weight", "b_enc": "encoder.bias", "W_dec": "W_dec", "b_dec": "b_dec"}
OTHERWISE = {"transcode": False, "skip_connection": False, "signed": False, "activation": "topk"}
MODULES = {"resid_post": "layers.{}", "attn_out": "layers.{}.self_attn", "mlp_out": "layers.{}.mlp"}


def is_sparsify(folder: Path) -> bool:
    """Whether a folder is in this format."""
    return (folder / WEIGHTS).is_file()


def read_sparsify(folder: Path) -> Any:
    """The SAE as a model of sae-lens; KeyError, ValueError or an error of safetensors if it is not one."""
    settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    for name, usual in OTHERWISE.items():
        if settings.get(name, usual) != usual:
            raise TriggerLensError(
                f"{folder / SETTINGS} has {name}={settings[name]!r}; give an SAE with {name}={usual!r}"
            )
    given = load_file(folder / WEIGHTS)
    tensors = {ours: given[theirs] for ours, theirs in NAMES.items()}
    tensors["W_enc"] = tensors["W_enc"].T.contiguous()
    d_in, d_sae = tensors["W_enc"].shape
    model = SAE.from_dict(
        {
            "architecture": "topk",
            "d_in": d_in,
            "d_sae": d_sae,
            "k": settings["k"],
            "dtype": str(tensors["W_enc"].dtype).removeprefix("torch."),
            "device": "cpu",
            "apply_b_dec_to_input": True,
            "normalize_activations": "none",
        }
    )
    model.load_state_dict(tensors)
    model.cfg.metadata.hook_name = folder.name
    return model


def save_sparsify(sae: Any, folder: str | Path) -> Path:
    """Write a TopK SAE into `folder`/HOOKPOINT, as `sparsify.SparseCoder.load_from_disk` reads it."""
    settings = sae.model.cfg
    if settings.architecture() != "topk":
        raise TriggerLensError(
            f"sparsify has only TopK SAEs, but this one is {settings.architecture()}; train it with architecture=topk"
        )
    target = Path(folder) / MODULES[sae.place.site].format(sae.place.layer)
    target.mkdir(parents=True, exist_ok=True)
    tensors = _tensors(sae.model)
    facts = {"activation": "topk", "d_in": sae.d_model, "num_latents": sae.width, "k": settings.k}
    facts |= {"expansion_factor": 0, "normalize_decoder": False, "transcode": False}
    put(target / WEIGHTS, lambda unfinished: save_file(tensors, unfinished))
    text = json.dumps(facts | {"skip_connection": False, "multi_topk": False})
    put(target / SETTINGS, lambda unfinished: unfinished.write_text(text, encoding="utf-8"))
    return target


@torch.no_grad()
def _tensors(model: Any) -> dict[str, Tensor]:
    """The weights under sparsify's names, with the decoder norms that sae-lens multiplies by folded in."""
    scaled = model.cfg.rescale_acts_by_decoder_norm
    norm = model.W_dec.norm(dim=-1) if scaled else torch.ones(model.cfg.d_sae)
    unread = 0 if model.cfg.apply_b_dec_to_input else model.b_dec @ model.W_enc
    return {
        "encoder.weight": (model.W_enc * norm).T.contiguous(),
        "encoder.bias": (model.b_enc + unread) * norm,  # sparsify subtracts b_dec from every input
        "W_dec": (model.W_dec / norm[:, None]).contiguous(),
        "b_dec": model.b_dec.detach().clone(),
    }
