"""Sparse autoencoders: what sae-lens saves is read, what does not fit is refused, a killed training goes on."""

import json
from pathlib import Path

import pytest
import torch
from sae_lens import (
    BatchTopKTrainingSAE,
    BatchTopKTrainingSAEConfig,
    JumpReLUSAE,
    JumpReLUSAEConfig,
    SAEConfig,
    StandardSAE,
    StandardSAEConfig,
    TopKSAE,
    TopKSAEConfig,
    Transcoder,
    TranscoderConfig,
)
from sae_lens.saes.sae import SAEMetadata
from tiny_models import FAMILIES, FRAMINGS, QUESTIONS, tiny_lm

from interp.activations import Activations
from interp.capture.api import capture
from interp.capture.hook_points import HookPoint
from interp.capture.positions import all_tokens
from interp.capture.store import ActivationStore, open_writer
from interp.generation.generate import generate
from interp.interventions import Autoencoder, ScaleFeature
from interp.rendering import render
from interp.sae.autoencoder import features, load_sae
from interp.sae.quality import downstream_losses, squared_errors
from interp.sae.training import Recipe, difference, topk, train_sae

WIDTH, HOOK = 32, "blocks.1.hook_resid_post"
KINDS = {
    "standard": (StandardSAE, StandardSAEConfig, {}),
    "jumprelu": (JumpReLUSAE, JumpReLUSAEConfig, {}),
    "topk": (TopKSAE, TopKSAEConfig, {"k": 4}),
}


def settings(kind: type[SAEConfig], hook: str | None = HOOK, **given: object) -> SAEConfig:
    facts = SAEMetadata(hook_name=hook, model_name="tiny") if hook else SAEMetadata()
    return kind(**{"d_in": WIDTH, "d_sae": 24, "metadata": facts} | given)  # type: ignore[arg-type]


def planted(rows: int = 4000, features: int = 24, seed: int = 0) -> Activations:
    """Vectors made of two of `features` known directions each."""
    generator = torch.Generator().manual_seed(seed)
    dictionary = torch.nn.functional.normalize(
        torch.randn(features, WIDTH, generator=generator), dim=1
    )
    chosen = torch.rand(rows, features, generator=generator).argsort(1)[:, :2]
    sizes = 1 + torch.rand(rows, 2, 1, generator=generator)
    values = (dictionary[chosen] * sizes).sum(1)[:, None]
    facts = {"model": "made up", "weights": "w" * 64}
    return Activations(values, (1,), ("none",) * rows, ("q",) * rows, "each", facts)


RECIPE = Recipe(width=48, k=2, steps=120, rows=256, lr=4e-3)


@pytest.fixture(scope="module")
def trained():
    return train_sae(planted(), RECIPE, layer=1)


@pytest.mark.parametrize("kind", KINDS)
def test_what_sae_lens_saves_is_read_as_it_reads_it(kind: str, tmp_path: Path) -> None:
    make, config, more = KINDS[kind]
    saved = make(settings(config, **more))
    torch.nn.init.normal_(saved.b_enc)
    saved.save_model(tmp_path)
    sae = load_sae(tmp_path, tiny_lm("qwen"))
    x = torch.randn(5, 3, WIDTH)
    assert sae.place == HookPoint(1, "resid_post")
    assert sae.width == 24
    assert isinstance(sae, Autoencoder)
    torch.testing.assert_close(sae.encode(x), saved.encode(x))
    torch.testing.assert_close(sae.decode(sae.encode(x)), saved(x))


def test_a_batch_topk_sae_is_read_in_the_form_saved_for_use_and_refused_in_the_other(
    tmp_path: Path,
) -> None:
    facts = SAEMetadata(hook_name=HOOK)
    saved = BatchTopKTrainingSAE(
        BatchTopKTrainingSAEConfig(d_in=WIDTH, d_sae=24, k=4, metadata=facts)
    )
    saved.save_inference_model(tmp_path / "use")
    assert load_sae(tmp_path / "use", tiny_lm("qwen")).model.cfg.architecture() == "jumprelu"
    saved.save_model(tmp_path / "training")
    with pytest.raises(
        ValueError, match=r"saved to be trained further \(batchtopk\).*save_inference_model"
    ):
        load_sae(tmp_path / "training")


def test_a_transcoder_is_refused_with_the_reason(tmp_path: Path) -> None:
    Transcoder(settings(TranscoderConfig, d_out=WIDTH, apply_b_dec_to_input=False)).save_model(
        tmp_path
    )
    with pytest.raises(ValueError, match="is a transcoder: it predicts an MLP's output"):
        load_sae(tmp_path)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"d_in": 16}, r"reads vectors of width 16, but the stream of tiny qwen has 32"),
        ({"hook": "blocks.7.hook_resid_post"}, r"reads layer 7; tiny qwen has 3 layers"),
        (
            {"hook": "blocks.1.attn.hook_z"},
            r"reads 'blocks.1.attn.hook_z', which is not resid_post",
        ),
        ({"hook": "blocks.0.hook_resid_pre"}, r"reads 'blocks.0.hook_resid_pre'"),
        ({"hook": None}, r"does not say where it reads; give place="),
        (
            {"normalize_activations": "expected_average_only_in"},
            r"normalised by 'expected_average_only_in', with factors that are not in its files",
        ),
    ],
)
def test_what_does_not_fit_is_refused_by_name(given: dict, message: str, tmp_path: Path) -> None:
    StandardSAE(settings(StandardSAEConfig, **given)).save_model(tmp_path)
    with pytest.raises(ValueError, match=message):
        load_sae(tmp_path, tiny_lm("qwen"))


@pytest.mark.parametrize(
    ("hook", "place"),
    [
        ("blocks.2.hook_mlp_out", HookPoint(2, "mlp_out")),
        ("blocks.2.hook_resid_pre", HookPoint(1, "resid_post")),
        ("model.layers.1", HookPoint(1, "resid_post")),
        ("model.language_model.layers.1.output", HookPoint(1, "resid_post")),
    ],
)
def test_a_hooks_name_is_a_place(hook: str, place: HookPoint, tmp_path: Path) -> None:
    StandardSAE(settings(StandardSAEConfig, hook)).save_model(tmp_path)
    assert load_sae(tmp_path, tiny_lm("llama")).place == place


def test_a_folder_without_an_sae_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"holds no SAE of sae-lens: no cfg\.json; give the folder"
    ):
        load_sae(tmp_path)
    (tmp_path / "cfg.json").write_text(json.dumps({"architecture": "lens"}))
    with pytest.raises(ValueError, match=r"unknown architecture 'lens'; sae-lens has"):
        load_sae(tmp_path)


def test_an_sae_of_other_weights_is_refused_unless_it_is_meant(tmp_path: Path) -> None:
    lm = tiny_lm("qwen")
    prompts = render(lm.tokenizer, QUESTIONS, FRAMINGS)
    read = capture(lm, prompts, layers=[1], position=all_tokens)
    train_sae(read, Recipe(width=16, k=2, steps=2, rows=32), layer=1).save(tmp_path)
    assert load_sae(tmp_path, lm).facts["weights"] == lm.weights_hash
    with pytest.raises(ValueError, match=r"was trained on weights .* or give other_weights=True"):
        load_sae(tmp_path, tiny_lm("llama"))
    load_sae(tmp_path, tiny_lm("llama"), other_weights=True)


def test_training_finds_the_planted_dictionary(trained) -> None:
    held_out = planted(seed=0)
    errors = squared_errors(trained, held_out)
    assert errors.explained_variance > 0.9
    assert 1 < float(errors.l0.mean()) < 4
    fresh = train_sae(planted(), Recipe(width=48, k=2, steps=1, rows=256), layer=1)
    assert squared_errors(fresh, held_out).explained_variance < 0.5


def test_explained_variance_is_that_of_sae_lens(trained) -> None:
    x = planted().at(1)
    out = trained.model(x)
    theirs = 1 - (out - x).pow(2).sum(-1).mean() / (x - x.mean(0)).pow(2).sum(-1).mean()
    assert squared_errors(trained, planted()).explained_variance == pytest.approx(
        float(theirs), abs=1e-4
    )


def test_a_topk_sae_trains_too() -> None:
    sae = train_sae(planted(), Recipe(width=48, k=2, steps=5, rows=64), layer=1, architecture=topk)
    assert int((features(sae, planted()) > 0).sum(1).max()) <= 2


class Killed(Exception):
    """In a kill's place."""


def test_a_killed_training_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    recipe = Recipe(width=32, k=2, steps=30, rows=128, save_every=7)
    whole = train_sae(planted(), recipe, layer=1)
    file = tmp_path / "state.safetensors"

    def kill(done: int, of: int) -> None:
        if done == 17:
            raise Killed

    with pytest.raises(Killed):
        train_sae(planted(), recipe, layer=1, checkpoint=file, progress=kill)
    steps = []
    again = train_sae(
        planted(), recipe, layer=1, checkpoint=file, progress=lambda done, of: steps.append(done)
    )
    assert steps[0] == 15
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, again.model.state_dict()[name]), name
    with pytest.raises(ValueError, match="belongs to a training on other activations"):
        train_sae(planted(), Recipe(width=32, k=3, steps=30, rows=128), layer=1, checkpoint=file)


def test_nan_and_too_few_activations_are_refused_with_the_numbers() -> None:
    broken = planted()
    broken.values[[7, 9], 0, 3] = float("nan")
    with pytest.raises(
        ValueError, match=r"2 of 4000 activations of layer 1 are not finite .*row 7"
    ):
        train_sae(broken, RECIPE, layer=1)
    with pytest.raises(ValueError, match=r"100 activations for 48 features.*capture 192 or more"):
        train_sae(planted(100), RECIPE, layer=1)


def test_activations_from_elsewhere_are_refused(trained) -> None:
    from dataclasses import replace

    with pytest.raises(
        ValueError, match="the SAE reads resid_post, but these activations are mlp_out"
    ):
        features(trained, replace(planted(), site="mlp_out"))
    with pytest.raises(ValueError, match="layer 1 was not captured"):
        features(trained, replace(planted(), layers=(0,)))
    with pytest.raises(ValueError, match="differ in questions"):
        difference(planted(), replace(planted(), questions=("other",) * 4000))


def test_it_trains_from_a_store_as_from_memory(tmp_path: Path) -> None:
    lm = tiny_lm("gemma")
    prompts = render(lm.tokenizer, QUESTIONS, FRAMINGS)
    with open_writer(tmp_path / "store", lm, positions=[all_tokens], layers=[1]) as writer:
        writer.add(prompts)
    store = ActivationStore(tmp_path / "store", lm)
    sae = train_sae(store, Recipe(width=16, k=2, steps=40, rows=64, lr=4e-3), layer=1)
    read = capture(lm, prompts, layers=[1], position=all_tokens)
    assert sae.facts["weights"] == lm.weights_hash
    assert squared_errors(sae, read).explained_variance > 0.3


@pytest.mark.parametrize("family", FAMILIES)
def test_its_features_are_removed_during_generation(family: str) -> None:
    lm = tiny_lm(family)
    prompts = render(lm.tokenizer, QUESTIONS, FRAMINGS)
    read = capture(lm, prompts, layers=[1], position=all_tokens)
    sae = train_sae(read, Recipe(width=16, k=4, steps=40, rows=64, lr=4e-3), layer=1)
    strongest = int(features(sae, read).mean(0).argmax())
    edit = ScaleFeature(sae, strongest, 0.0, 1)
    cut = capture(lm, prompts, layers=[1], position=all_tokens, interventions=[edit])
    size = features(sae, read)[:, [strongest]]
    assert float(size.max()) > 0.1
    torch.testing.assert_close(
        cut.at(1), read.at(1) - size * sae.decoder[strongest], atol=1e-3, rtol=1e-3
    )
    answers = generate(lm, prompts, max_new_tokens=4, seed=0, interventions=[edit])
    assert answers.evidence[0].rows == tuple(range(len(prompts)))


class Same:
    """An autoencoder that loses nothing, or everything."""

    def __init__(self, keep: bool) -> None:
        self.keep = keep

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        return x

    def decode(self, feature_acts: torch.Tensor) -> torch.Tensor:
        return feature_acts if self.keep else torch.zeros_like(feature_acts)


@pytest.mark.parametrize(("keep", "recovered"), [(True, 1.0), (False, 0.0)])
def test_a_perfect_reconstruction_recovers_all_of_the_loss_and_zero_none(
    keep: bool, recovered: float
) -> None:
    lm = tiny_lm("qwen")
    answers = generate(lm, render(lm.tokenizer, QUESTIONS, FRAMINGS), max_new_tokens=5, seed=0)
    losses = downstream_losses(lm, Same(keep), answers, place=HookPoint(1, "resid_post"), rows=2)
    assert losses.recovered == pytest.approx(recovered, abs=1e-5)
    whole = downstream_losses(lm, Same(keep), answers, place=HookPoint(1, "resid_post"))
    torch.testing.assert_close(losses.intact, whole.intact, atol=1e-5, rtol=1e-5)
