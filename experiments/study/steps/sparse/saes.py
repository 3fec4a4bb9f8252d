"""The SAEs of one organism, trained on its selection tokens or loaded, and the quality of each on report tokens."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from experiments.results.facts import FactWriter
from experiments.study.steps.sparse.settings import Features
from experiments.study.steps.sparse.tokens import Tokens
from interp.activations import Activations
from interp.models.language_model import LanguageModel
from interp.sae.autoencoder import SparseAutoencoder, features, pretrained_sae
from interp.sae.quality import downstream_losses, squared_errors
from interp.sae.training import Recipe, train_sae

TUNED, DIFFERENCE, BASE = "SAE", "difference SAE", "base SAE"
Say = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Trained:
    """An SAE, what it reads, and its feature activations at every token of both splits."""

    name: str
    sae: SparseAutoencoder
    read: Callable[[Tokens], Activations]
    fired: Mapping[str, Float[Tensor, "row feature"]]


def reads(settings: Features) -> dict[str, Callable[[Tokens], Activations]]:
    """The activations that each SAE of a study reads, by name."""
    wanted: dict[str, Callable[[Tokens], Activations]] = {TUNED: lambda tokens: tokens.tuned}
    if settings.difference:
        wanted[DIFFERENCE] = lambda tokens: tokens.difference
    if settings.base:
        wanted[BASE] = lambda tokens: tokens.base
    return wanted


def make(
    name: str,
    lm: LanguageModel,
    tokens: Mapping[str, Tokens],
    settings: Features,
    family: str,
    seed: int,
    checkpoints: Path,
    say: Say,
) -> Trained:
    """Train the SAE on selection tokens, or load the one that the settings name for the family."""
    read = reads(settings)[name]
    activations = read(tokens["selection"])
    (layer,) = activations.layers
    if name == TUNED and family in settings.pretrained:
        known = settings.pretrained[family]
        sae = pretrained_sae(known.release, known.sae_id, lm)
    else:
        recipe = Recipe(
            settings.width,
            settings.k,
            settings.steps,
            settings.batch_rows,
            settings.lr,
            seed,
            save_every=max(1, settings.steps // 4),
        )
        sae = train_sae(
            activations,
            recipe,
            layer=layer,
            checkpoint=checkpoints / f"{name.replace(' ', '_')}.safetensors",
            progress=lambda done, of: (
                say(f"training the {name}, step {done} of {of}") if done % 20 == 0 else None
            ),
        )
    fired = {split: features(sae, read(each)) for split, each in tokens.items()}
    return Trained(name, sae, read, fired)


def write_quality(
    facts: FactWriter, made: Trained, lm: LanguageModel | None, tokens: Mapping[str, Tokens]
) -> None:
    """Explained variance, L0, dead features and recovered loss on report tokens (`lm` None: no recovered loss)."""
    report = tokens["report"]
    activations = made.read(report)
    errors = squared_errors(made.sae, activations)
    place = {"source": made.name, "position": activations.position}
    questions = activations.questions
    facts.values("sae_explained_variance", errors.error, questions, over=errors.variance, **place)
    facts.values("sae_l0", errors.l0, questions, **place)
    silent = 1 - (made.fired["selection"] > 0).any(0).float().mean().item()
    facts.number("sae_dead_share", silent, n=made.sae.width, **place)
    if lm is not None:
        losses = downstream_losses(lm, made.sae, report.completions, place=made.sae.place)
        facts.values(
            "sae_loss_recovered",
            losses.zeroed - losses.reconstructed,
            report.questions,
            over=losses.zeroed - losses.intact,
            **place,
        )


def change(made: Trained, tokens: Tokens) -> Float[Tensor, " feature"]:
    """Mean activation in the organism minus in its base, on the same tokens."""
    if made.name != TUNED:
        return torch.full((made.sae.width,), float("nan"))
    return features(made.sae, tokens.tuned).mean(0) - features(made.sae, tokens.base).mean(0)
