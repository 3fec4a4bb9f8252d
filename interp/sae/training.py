"""Train a sparse autoencoder with sae-lens's own trainer, from activations in memory or from a store.

sae = train_sae(activations, Recipe(width=1024), layer=1)
sae = train_sae(difference(tuned, base), Recipe(width=1024), layer=1)   what fine-tuning changed
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
from sae_lens import BatchTopKTrainingSAE, TopKTrainingSAE, TrainingSAE
from sae_lens.config import SAETrainerConfig
from sae_lens.training.sae_trainer import SAETrainer
from torch import Tensor

from interp.activations import Activations
from interp.capture.hook_points import HookPoint
from interp.capture.store import ActivationStore
from interp.errors import TriggerLensError
from interp.sae.autoencoder import SparseAutoencoder, check_finite_rows, load_sae
from interp.sae.checkpoint import restore, write

FEWEST_ROWS = 4  # for each feature; with fewer, most would describe single tokens
THRESHOLD_RATE = (
    0.05  # sae-lens's 0.01 has not converged after a few hundred steps, so L0 is too high
)
Progress = Callable[[int, int], None]  # (steps done, steps in all)


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
            raise TriggerLensError(f"k={self.k} features should fire, but there are {self.width}")


Architecture = Callable[[int, Recipe], Any]


def batch_topk(d_model: int, recipe: Recipe) -> TrainingSAE:
    """BatchTopK (Bussmann et al. 2024): k features per vector on average over the batch; saved as JumpReLU."""
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
    """Train on the rows of one layer with sae-lens's trainer; the result is in the form that it saves for inference.

    A run that was killed continues from `checkpoint` (one file, replaced atomically every `save_every` steps) and ends
    with the weights of an uninterrupted run. NaN, infinities and too few rows for the width are refused.
    """
    place, facts, rows = _source(source, layer, site)
    _check_enough(rows, recipe)
    feed = _feed(source, place, recipe)
    first = next(feed())
    check_finite_rows(first, "the first batch")
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
    """The loop of `SAETrainer.fit`, through its public steps, with checkpoints that are not pickles."""
    for step in range(trainer.n_training_steps, recipe.steps):
        batch = next(batches)
        check_finite_rows(batch, f"batch {step}")
        trainer.step(batch)
        trainer.n_training_steps += 1
        if checkpoint is not None and recipe.save_every and (step + 1) % recipe.save_every == 0:
            write(trainer, checkpoint, identity)
        if progress is not None:
            progress(step + 1, recipe.steps)


def _finished(trainer: Any, place: HookPoint, facts: Mapping[str, Any]) -> SparseAutoencoder:
    """Finish as sae-lens does: fold the scale into the weights, save for inference, and load again."""
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
        lr_end=recipe.lr,  # sae-lens requires it even if the rate is constant until it decays
        lr_warm_up_steps=recipe.steps // 20,
        lr_decay_steps=recipe.steps // 4,
        dead_feature_window=max(10, recipe.steps // 20),
    )


def _source(
    source: Activations | ActivationStore, layer: int, site: str | None
) -> tuple[HookPoint, dict[str, Any], int]:
    """The place, what is known about the model, and how many rows there are."""
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
    check_finite_rows(values, f"layer {place.layer}")
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
            f"{rows:,} activations for {recipe.width:,} features: at least {FEWEST_ROWS} per feature are needed; "
            f"capture {FEWEST_ROWS * recipe.width:,} or more, or make it narrower"
        )


def difference(tuned: Activations, base: Activations) -> Activations:
    """Fine-tuned minus base, row by row, to train a difference SAE on. Rows must come from the same tokens."""
    for name in ("layers", "site", "source", "token", "conditions", "questions"):
        if getattr(tuned, name) != getattr(base, name):
            raise TriggerLensError(
                f"the two activations differ in {name}: read the same tokens in both"
            )
    facts = {**tuned.provenance, "minus": base.provenance.get("weights")}
    return replace(tuned, values=tuned.values - base.values, provenance=facts)
