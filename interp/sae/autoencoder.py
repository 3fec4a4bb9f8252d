"""Sparse autoencoders in the formats of sae-lens: load or train one, and know which place of which model it reads.

    sae = load_sae(folder, lm)                         saved by sae-lens; refused where it does not fit the model
    sae = pretrained_sae(release, sae_id, lm)          one that sae-lens knows by name (HF_HUB_OFFLINE=0)
    sae = train_sae(activations, Recipe(...), layer=1) with sae-lens's own trainer, from memory or a store
    features(sae, activations)                         [row, feature]

What it returns fits where `interp.interventions.Autoencoder` is wanted. How good an SAE is, is measured in
`interp.sae.quality`; nothing is assumed of it.
"""

import math
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from sae_lens import SAE, BatchTopKTrainingSAE, TopKTrainingSAE, TrainingSAE
from sae_lens.config import SAETrainerConfig
from sae_lens.training.sae_trainer import SAETrainer
from torch import Tensor

from interp.activations import Activations
from interp.capture.hook_points import HookPoint, block_names, check_site
from interp.capture.store import ActivationStore
from interp.errors import TriggerLensError
from interp.models.adapters import one_line
from interp.models.language_model import LanguageModel
from interp.sae.checkpoint import restore, write
from interp.sae.files import check_architecture, place_of, read_sae

FEWEST_ROWS = 4  # for each feature; with fewer, most would describe single tokens
ENCODED_AT_ONCE = 4096
THRESHOLD_RATE = (
    0.05  # sae-lens's 0.01 has not arrived after a few hundred steps, and L0 is then too high
)
AFTER_LOADING = ("none", "layer_norm", "constant_norm_rescale")
Rows = Float[Tensor, "*row d_model"]
Progress = Callable[[int, int], None]  # (steps done, steps in all)


@dataclass(frozen=True, eq=False)
class SparseAutoencoder:
    """An SAE of sae-lens and the place it reads; `facts` are what its file says of how it was made."""

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
        """Write it as sae-lens does: `load_sae` and `SAE.load_from_disk` read it."""
        self.model.save_model(folder)


def load_sae(
    folder: str | Path,
    lm: LanguageModel | None = None,
    *,
    place: HookPoint | None = None,
    other_weights: bool = False,
) -> SparseAutoencoder:
    """An SAE that sae-lens saved, checked against the model it is to read.

    `place` says where it reads when its file does not. One that says which weights it was trained on is refused for
    others, unless `other_weights` says that this is meant (a base's SAE on its fine-tuned model).
    """
    return _checked(read_sae(folder), str(folder), lm, place, other_weights)


def pretrained_sae(
    release: str, sae_id: str, lm: LanguageModel | None = None, *, place: HookPoint | None = None
) -> SparseAutoencoder:
    """An SAE by the names that sae-lens knows it by, fetched from the hub.

    `sae_lens.loading.pretrained_saes_directory.get_pretrained_saes_directory()` lists them.
    """
    try:
        model = SAE.from_pretrained(release, sae_id)
    except (OSError, KeyError, ValueError) as error:
        raise TriggerLensError(
            f"SAE {release} / {sae_id} cannot be loaded: {one_line(error)} (the hub is asked with HF_HUB_OFFLINE=0)"
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
            f"{name} was trained on activations normalised by {settings.normalize_activations!r}, with numbers that "
            "are not in its files; fold them in with sae-lens first (fold_activation_norm_scaling_factor)"
        )
    if facts.hook_head_index is not None:
        raise TriggerLensError(
            f"{name} reads head {facts.hook_head_index} of {facts.hook_name}, not the whole of a place; "
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
            f"{name} reads vectors of width {settings.d_in}, the stream of {lm.name} has {lm.d_model}"
        )
    check_site(place.site)
    if not 0 <= place.layer < lm.n_layers:
        raise TriggerLensError(
            f"{name} reads layer {place.layer}; {lm.name} has {lm.n_layers} layers"
        )
    weights = facts.weights
    if weights and weights != lm.weights_hash and not other_weights:
        raise TriggerLensError(
            f"{name} was trained on weights {weights[:12]} ({facts.model_name}), this model has {lm.weights_hash[:12]};"
            " load the model it belongs to, or say other_weights=True"
        )


def _check_module(hook: str, place: HookPoint, name: str, lm: LanguageModel) -> None:
    """Raise where the module that it reads is normalised before it is added to the stream, as in Gemma 2 and 3."""
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
            f"the SAE reads {sae.place.site}, these activations are {activations.site}"
        )
    values = activations.at(sae.place.layer)
    _check_rows(values, f"layer {sae.place.layer}")
    if values.shape[1] != sae.d_model:
        raise TriggerLensError(
            f"the SAE reads width {sae.d_model}, these activations have {values.shape[1]}"
        )
    device = sae.decoder.device
    return torch.cat([sae.encode(part.to(device)).cpu() for part in values.split(ENCODED_AT_ONCE)])


@dataclass(frozen=True)
class Recipe:
    """How an SAE is trained: `width` features of which `k` fire for a vector on average, `steps` batches of `rows`."""

    width: int
    k: int = 12
    steps: int = 600
    rows: int = 1024
    lr: float = 1e-3
    seed: int = 0
    save_every: int = 0  # steps between checkpoints; 0: none

    def __post_init__(self) -> None:
        for name in ("width", "k", "steps", "rows"):
            if getattr(self, name) < 1:
                raise TriggerLensError(f"{name}={getattr(self, name)}: must be at least 1")
        if self.k > self.width:
            raise TriggerLensError(f"k={self.k} features are to fire, but there are {self.width}")


Architecture = Callable[[int, Recipe], Any]


def batch_topk(d_model: int, recipe: Recipe) -> TrainingSAE:
    """BatchTopK (Bussmann et al. 2024): k features a vector on average over the batch; saved as JumpReLU."""
    return _of(BatchTopKTrainingSAE, d_model, recipe)


def topk(d_model: int, recipe: Recipe) -> TrainingSAE:
    """TopK (Gao et al. 2024): k features for every vector."""
    return _of(TopKTrainingSAE, d_model, recipe)


def _of(kind: Any, d_model: int, recipe: Recipe) -> TrainingSAE:
    settings: dict[str, Any] = {
        "architecture": "batchtopk" if kind is BatchTopKTrainingSAE else "topk"
    }
    settings |= {"d_in": d_model, "d_sae": recipe.width, "k": recipe.k}
    settings["normalize_activations"] = "expected_average_only_in"
    if kind is BatchTopKTrainingSAE:
        settings["topk_threshold_lr"] = THRESHOLD_RATE
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        return TrainingSAE.from_dict(settings)


def train_sae(
    source: Activations | ActivationStore,
    recipe: Recipe,
    *,
    layer: int,
    site: str | None = None,
    architecture: Architecture = batch_topk,
    checkpoint: Path | None = None,
    progress: Progress | None = None,
) -> SparseAutoencoder:
    """Train on the rows of one layer with sae-lens's trainer; the result is the form it saves for use.

    A run that was killed goes on from `checkpoint` (one file, replaced as a whole every `save_every` steps) and ends
    with the weights of an undisturbed one. NaN, infinities and too few rows for the width are refused.
    """
    place, facts, rows = _source(source, layer, site)
    _check_enough(rows, recipe)
    feed = _feed(source, place, recipe)
    first = next(feed())
    _check_rows(first, "the first batch")
    sae = architecture(first.shape[1], recipe)
    with torch.no_grad():
        scale = math.sqrt(first.shape[1]) / float(first.norm(dim=-1).mean())
        sae.b_dec.copy_(first.mean(0) * scale)  # so that features need not describe the mean
    trainer = SAETrainer(_settings(recipe), sae, feed())
    trainer.activation_scaler.scaling_factor = scale
    identity = {"recipe": asdict(replace(recipe, save_every=0)), "place": list(place), **facts}
    if checkpoint is not None and checkpoint.exists():
        restore(trainer, checkpoint, identity)
    _fit(
        trainer,
        islice(feed(), trainer.n_training_steps, None),
        recipe,
        checkpoint,
        identity,
        progress,
    )
    return _finished(trainer, place, facts)


def _fit(
    trainer: Any,
    batches: Iterator[Tensor],
    recipe: Recipe,
    checkpoint: Path | None,
    identity: Mapping[str, Any],
    progress: Progress | None,
) -> None:
    """The loop of `SAETrainer.fit` through the steps it offers other drivers, with checkpoints that are no pickles."""
    for step in range(trainer.n_training_steps, recipe.steps):
        batch = next(batches)
        _check_rows(batch, f"batch {step}")
        trainer.step(batch)
        trainer.n_training_steps += 1
        if checkpoint is not None and recipe.save_every and (step + 1) % recipe.save_every == 0:
            write(trainer, checkpoint, identity)
        if progress is not None:
            progress(step + 1, recipe.steps)


def _finished(trainer: Any, place: HookPoint, facts: Mapping[str, Any]) -> SparseAutoencoder:
    """As sae-lens ends a training: the scale folded into the weights, saved for use, and read again."""
    sae = trainer.sae
    sae.fold_activation_norm_scaling_factor(trainer.activation_scaler.scaling_factor)
    trainer.set_final_sae_metadata()
    hooks = {
        "resid_post": "hook_resid_post",
        "attn_out": "hook_attn_out",
        "mlp_out": "hook_mlp_out",
    }
    for name, value in {**facts, "hook_name": f"blocks.{place.layer}.{hooks[place.site]}"}.items():
        sae.cfg.metadata[name] = value
    with tempfile.TemporaryDirectory() as folder:
        sae.save_inference_model(folder)
        return load_sae(folder)


def _settings(recipe: Recipe) -> SAETrainerConfig:
    return SAETrainerConfig(
        total_training_samples=recipe.steps * recipe.rows,
        train_batch_size_samples=recipe.rows,
        lr=recipe.lr,
        lr_end=recipe.lr,  # sae-lens wants it said, also where the rate is constant until it decays
        lr_warm_up_steps=recipe.steps // 20,
        lr_decay_steps=recipe.steps // 4,
        dead_feature_window=max(10, recipe.steps // 20),
    )


def _source(
    source: Activations | ActivationStore, layer: int, site: str | None
) -> tuple[HookPoint, dict[str, Any], int]:
    """The place, what is known of the model, and how many rows there are."""
    if isinstance(source, Activations):
        if site is not None and site != source.site:
            raise TriggerLensError(f"these activations are {source.site}, not {site}")
        made = source.provenance
        facts = {"model_name": made.get("model"), "weights": made.get("weights")}
        facts |= {key: made[key] for key in ("minus",) if key in made}
        source.at(layer)
        return HookPoint(layer, source.site), facts, len(source)
    identity = source.identity
    facts = {"model_name": identity["model"], "weights": identity.get("loaded")}
    return HookPoint(layer, site or source.sites[0]), facts, len(source)


def _feed(
    source: Activations | ActivationStore, place: HookPoint, recipe: Recipe
) -> Callable[[], Iterator[Tensor]]:
    """The same endless shuffled batches each time it is called."""
    if isinstance(source, ActivationStore):
        return lambda: source.feed(place.layer, rows=recipe.rows, site=place.site, seed=recipe.seed)
    values = source.at(place.layer).float()
    _check_rows(values, f"layer {place.layer}")
    return lambda: _shuffled(values, recipe.rows, recipe.seed)


def _shuffled(values: Float[Tensor, "row d_model"], rows: int, seed: int) -> Iterator[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    left = torch.empty(0, dtype=torch.long)
    while True:
        while len(left) < rows:
            left = torch.cat([left, torch.randperm(len(values), generator=generator)])
        yield values[left[:rows]]
        left = left[rows:]


def _check_enough(rows: int, recipe: Recipe) -> None:
    if rows < FEWEST_ROWS * recipe.width:
        raise TriggerLensError(
            f"{rows:,} activations for {recipe.width:,} features: at least {FEWEST_ROWS} a feature are wanted; "
            f"capture {FEWEST_ROWS * recipe.width:,} or more, or make it narrower"
        )


def _check_rows(values: Tensor, where: str) -> None:
    bad = ~values.isfinite().all(-1)
    if bool(bad.any()):
        raise TriggerLensError(
            f"{int(bad.sum())} of {len(values)} activations of {where} are not finite (the first is row "
            f"{int(bad.nonzero()[0])}); read them again in float32, or leave these rows out"
        )


def difference(tuned: Activations, base: Activations) -> Activations:
    """Fine-tuned minus base, row by row: what a difference SAE is trained on. Rows must come from the same tokens."""
    for name in ("layers", "site", "source", "token", "conditions", "questions"):
        if getattr(tuned, name) != getattr(base, name):
            raise TriggerLensError(
                f"the two activations differ in {name}: read the same tokens in both"
            )
    facts = {**tuned.provenance, "minus": base.provenance.get("weights")}
    return replace(tuned, values=tuned.values - base.values, provenance=facts)
