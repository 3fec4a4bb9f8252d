"""Sparse autoencoders in the formats of sae-lens: load one, together with the place of the model that it reads.

    sae = load_sae(folder, lm)                         saved by sae-lens; refused if it does not fit the model
    sae = pretrained_sae(release, sae_id, lm)          one that sae-lens knows by name (HF_HUB_OFFLINE=0)
    sae = train_sae(activations, Recipe(...), layer=1) trained here (`interp.sae.training`)
    features(sae, activations)                         [row, feature]

The result can be used as an `interp.interventions.Autoencoder`. Nothing is assumed about the quality of an SAE, which
`interp.sae.quality` measures.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from sae_lens import SAE
from torch import Tensor

from interp.activations import Activations
from interp.capture.hook_points import HookPoint, block_names, check_site
from interp.errors import TriggerLensError
from interp.io.cards import Card
from interp.io.hub import OnHub
from interp.models.adapters import one_line
from interp.models.language_model import LanguageModel
from interp.sae.files import SETTINGS, WEIGHTS, check_architecture, place_of, read_sae
from interp.sae.sealed import SEAL, check_seal, sae_card, seal_sae

ENCODED_AT_ONCE = 4096
AFTER_LOADING = ("none", "layer_norm", "constant_norm_rescale")
Rows = Float[Tensor, "*row d_model"]


@dataclass(frozen=True, eq=False)
class SparseAutoencoder(OnHub):
    """An SAE of sae-lens and the place it reads; `facts` are what its file says about how it was made."""

    HUB_NAME: ClassVar[str] = "sae"
    model: Any
    place: HookPoint

    @property
    def facts(self) -> dict[str, Any]:
        """Model, hook, sparsity and whatever else was saved with it."""
        return dict(self.model.cfg.metadata.to_dict())

    @property
    def width(self) -> int:
        """How many features it has."""
        return int(self.model.cfg.d_sae)

    @property
    def d_model(self) -> int:
        return int(self.model.cfg.d_in)

    @property
    def decoder(self) -> Float[Tensor, "feature d_model"]:
        """What each feature writes, in the units of the stream."""
        return self.model.W_dec.detach()

    def encode(self, x: Rows) -> Float[Tensor, "*row feature"]:
        """The features of each vector."""
        return self.model.encode(x)

    def decode(self, feature_acts: Float[Tensor, "*row feature"]) -> Rows:
        """Vectors from features."""
        return self.model.decode(feature_acts)

    def save(self, folder: str | Path) -> None:
        """Write it in sae-lens's format, which `load_sae` and `SAE.load_from_disk` read."""
        self.model.save_model(folder)

    @classmethod
    def hub_files(cls) -> list[str]:
        """The files of sae-lens, and their seal."""
        return [SETTINGS, WEIGHTS, SEAL]

    def write_files(self, folder: Path) -> None:
        """Called by `save_pretrained`."""
        self.save(folder)
        seal_sae(folder)

    @classmethod
    def from_files(cls, path: Path, model_hash: str | None) -> "SparseAutoencoder":
        """Called by `from_pretrained`; `load_sae` reads an SAE without a seal."""
        check_seal(path.parent)
        found = load_sae(path.parent)
        weights = str(found.facts.get("weights"))
        if model_hash is not None and weights != model_hash:
            raise TriggerLensError(
                f"SAE {path.parent} was trained on weights {weights[:12]}, but this model has {model_hash[:12]}; load"
                " the model it belongs to, or read it with load_sae(folder, lm, other_weights=True)"
            )
        return found

    def hub_card(self, base: str, where: str) -> Card:
        """What it reads, how wide it is, and what it was trained on."""
        return sae_card(self, base, where)


def load_sae(
    folder: str | Path,
    lm: LanguageModel | None = None,
    *,
    place: HookPoint | None = None,
    other_weights: bool = False,
) -> SparseAutoencoder:
    """An SAE that sae-lens saved, checked against the model it is to read.

    `place` says where it reads if its file does not. An SAE that names the weights it was trained on is refused for
    other weights, unless `other_weights=True` (for a base's SAE on its fine-tuned model).
    """
    return _checked(read_sae(folder), str(folder), lm, place, other_weights)


def pretrained_sae(
    release: str, sae_id: str, lm: LanguageModel | None = None, *, place: HookPoint | None = None
) -> SparseAutoencoder:
    """An SAE by its names in sae-lens, fetched from the hub.

    `sae_lens.loading.pretrained_saes_directory.get_pretrained_saes_directory()` lists them.
    """
    try:
        model = SAE.from_pretrained(release, sae_id)
    except (OSError, KeyError, ValueError) as error:
        raise TriggerLensError(
            f"SAE {release} / {sae_id} cannot be loaded: {one_line(error)} (set HF_HUB_OFFLINE=0 to use the hub)"
        ) from error
    name = f"{release} / {sae_id}"
    check_architecture(model.cfg.architecture(), name)
    return _checked(model, name, lm, place, other_weights=True)


def _checked(
    model: Any, name: str, lm: LanguageModel | None, place: HookPoint | None, other_weights: bool
) -> SparseAutoencoder:
    """The SAE with its place, or a refusal that names what does not fit."""
    settings, facts = model.cfg, model.cfg.metadata
    if settings.normalize_activations not in AFTER_LOADING:
        raise TriggerLensError(
            f"{name} was trained on activations normalised by {settings.normalize_activations!r}, with factors that "
            "are not in its files; fold them in with sae-lens first (fold_activation_norm_scaling_factor)"
        )
    if facts.hook_head_index is not None:
        raise TriggerLensError(
            f"{name} reads head {facts.hook_head_index} of {facts.hook_name}, not a whole place; "
            "give an SAE without hook_head_index"
        )
    hook = facts.hook_name or facts.hf_hook_name
    found = place_of(str(hook), name) if hook else None
    if place is not None and found is not None and place != found:
        raise TriggerLensError(f"{name} reads {_words(found)}, not {_words(place)}")
    where = place or found
    if where is None:
        raise TriggerLensError(
            f"{name} does not say where it reads; give place=HookPoint(layer, site)"
        )
    if lm is not None:
        _check_fits(settings, facts, where, name, lm, other_weights)
        _check_module(str(hook), where, name, lm)
        model = model.to(lm.device)
    model.eval().requires_grad_(False)
    return SparseAutoencoder(model, where)


def _check_fits(
    settings: Any, facts: Any, place: HookPoint, name: str, lm: LanguageModel, other_weights: bool
) -> None:
    if settings.d_in != lm.d_model:
        raise TriggerLensError(
            f"{name} reads vectors of width {settings.d_in}, but the stream of {lm.name} has {lm.d_model}"
        )
    check_site(place.site)
    if not 0 <= place.layer < lm.n_layers:
        raise TriggerLensError(
            f"{name} reads layer {place.layer}; {lm.name} has {lm.n_layers} layers"
        )
    weights = facts.weights
    if weights and weights != lm.weights_hash and not other_weights:
        raise TriggerLensError(
            f"{name} was trained on weights {weights[:12]} ({facts.model_name}), but this model has"
            f" {lm.weights_hash[:12]}; load the model it belongs to, or give other_weights=True"
        )


def _check_module(hook: str, place: HookPoint, name: str, lm: LanguageModel) -> None:
    """Raise if the output of the module that it reads is normalised before it is added, as in Gemma 2 and 3."""
    module = hook.removesuffix(".output").rpartition(".")[2]
    added = block_names(lm.layers[place.layer]).get(place.site)
    if module in ("self_attn", "mlp") and module != added:
        raise TriggerLensError(
            f"{name} reads {hook!r} before {added}; {place.site} of {lm.name} is what comes after it; "
            "give an SAE of the residual stream"
        )


def _words(place: HookPoint) -> str:
    return f"{place.site} of layer {place.layer}"


@torch.no_grad()
def features(sae: SparseAutoencoder, activations: Activations) -> Float[Tensor, "row feature"]:
    """Each row's features; the activations must come from the SAE's place and have its width."""
    if activations.site != sae.place.site:
        raise TriggerLensError(
            f"the SAE reads {sae.place.site}, but these activations are {activations.site}"
        )
    values = activations.at(sae.place.layer)
    check_finite_rows(values, f"layer {sae.place.layer}")
    if values.shape[1] != sae.d_model:
        raise TriggerLensError(
            f"the SAE reads width {sae.d_model}, but these activations have {values.shape[1]}"
        )
    device = sae.decoder.device
    return torch.cat([sae.encode(part.to(device)).cpu() for part in values.split(ENCODED_AT_ONCE)])


def check_finite_rows(values: Float[Tensor, "row d_model"], where: str) -> None:
    """Refuse NaN and infinities, naming the first row that has one."""
    bad = ~values.isfinite().all(-1)
    if bool(bad.any()):
        raise TriggerLensError(
            f"{int(bad.sum())} of {len(values)} activations of {where} are not finite (the first is row "
            f"{int(bad.nonzero()[0])}); read them again in float32, or leave these rows out"
        )
