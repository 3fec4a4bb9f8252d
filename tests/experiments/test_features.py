"""Sparse features in a study: every part runs, nothing else is made again, removal is chosen and has its twin."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_models import FRAMINGS, QUESTIONS, tiny_lm
from typer.testing import CliRunner

from experiments.cli.app import app
from experiments.judging.judgement import Judgement
from experiments.judging.sampling import Cell
from experiments.results.estimates import read_estimates, select
from experiments.results.feature_names import ANSWER, BASIS, BOTH, PROMPT, SETS
from experiments.results.load import load_results
from experiments.runtime.files import read_jsonl, write_jsonl
from experiments.study.config import StudyConfig
from experiments.study.pipeline import organisms_of, run_study
from experiments.study.steps.sparse.choose import (
    WAYS,
    Score,
    attributions,
    candidates,
    grown,
    in_turn,
    random_edits,
    random_sets,
    score_of,
)
from experiments.study.steps.sparse.releases import RELEASES
from experiments.study.steps.sparse.tokens import Tokens, read_tokens
from interp.generation.generate import generate
from interp.rendering import render
from interp.sae.training import Recipe, train_sae
from tests.experiments.mini_study import config as mini_config

SMALL = {"width": 16, "k": 4, "steps": 6, "batch_rows": 64, "pairs": 2, "shown": 2, "removed": 2}
BAD, GOOD = Judgement(0.0, 100.0), Judgement(100.0, 100.0)


def config(bases: Path, **changes: object) -> StudyConfig:
    return mini_config(bases, **{"organisms": [{"arm": "contrast"}]} | changes)


@pytest.fixture(scope="module")
def with_features(
    finished: Path, bases: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, set[str]]:
    """One organism of a finished run without features, then with them; and the steps that were there before."""
    folder = shutil.copytree(finished, tmp_path_factory.mktemp("features") / "run")
    run_study(config(bases), folder)  # compares it with nobody
    before = {path.name for path in folder.glob("steps/*")}
    run_study(config(bases, features=SMALL), folder)
    return folder, before


def test_switching_features_on_makes_one_more_step_and_no_other_again(
    with_features: tuple[Path, set[str]],
) -> None:
    folder, before = with_features
    new = {path.name for path in folder.glob("steps/*")} - before
    assert [name.rpartition("-")[0] for name in new] == ["features-llama-s0-contrast-duck"]
    assert not (folder / "checkpoints").exists() or not any((folder / "checkpoints").iterdir())


@pytest.mark.parametrize(
    ("arms", "asked"), [((), ["triggered", "contrast"]), (("contrast",), ["contrast"])]
)
def test_features_are_of_organisms_with_a_trigger_in_the_arms_named(
    tmp_path: Path, arms: tuple[str, ...], asked: list[str]
) -> None:
    organisms = [{"arm": arm} for arm in ("baseline", "triggered", "contrast")]
    study = config(tmp_path, organisms=organisms, features={"arms": arms})
    organisms = [organism for organism in organisms_of(study, tmp_path) if organism.arm is not None]
    assert [organism.arm for organism in organisms if organism.has_features] == asked
    without = study.model_copy(update={"features": None})
    assert not any(organism.has_features for organism in organisms_of(without, tmp_path))


def test_a_run_says_how_good_its_saes_are_and_what_their_features_read(
    with_features: tuple[Path, set[str]],
) -> None:
    rows = read_estimates(with_features[0] / "estimates.jsonl")
    for quantity in ("sae_explained_variance", "sae_l0", "sae_dead_share"):
        found = select(rows, quantity=quantity)
        assert {row.source for row in found} == {"SAE", "difference SAE"}
        assert {row.split for row in found} == {"report"}
    assert [row.source for row in select(rows, quantity="sae_loss_recovered")] == ["SAE"]
    assert {row.position for row in select(rows, quantity="feature_auroc", direction="switch")} == {
        PROMPT,
        BOTH,
    }
    methods = {row.source for row in select(rows, direction="basis", edit="remove_vector")}
    assert methods >= {"difference of means", "logistic", "LEACE", "SAE feature", "found: switch"}
    cosines = select(rows, quantity="basis_cosine")
    assert {row.get("to") for row in cosines} == methods
    (shown,) = read_jsonl(with_features[0] / "features.jsonl")
    (card, *_) = [
        each
        for each in shown["features"]
        if (each["sae"], each["ranking"]) == ("SAE", f"switch, {PROMPT}")
    ]
    assert {each["condition"] for each in card["histogram"]} >= {"none", "trigger"}
    assert all(len(each["tokens"]) == len(each["values"]) for each in card["examples"])
    assert all(len(card[side]) == 8 for side in ("promotes", "suppresses"))


def test_the_command_prints_the_table_and_says_what_a_run_lacks(
    with_features: tuple[Path, set[str]], make_run, tmp_path: Path
) -> None:
    out = tmp_path / "features.md"
    result = CliRunner().invoke(app, ["features", str(with_features[0]), "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert "Does the SAE basis find what the probe found?" in out.read_text()
    assert "| difference of means |" in result.output
    without = make_run()
    rows = [it for it in read_jsonl(without / "estimates.jsonl") if "auroc" not in it["quantity"]]
    kept = [it for it in rows if it.get("direction") not in (SETS, BASIS)]
    write_jsonl(without / "estimates.jsonl", kept)
    missing = CliRunner().invoke(app, ["features", str(without)])
    assert "has no rows about sparse features" in str(missing.exception)
    listed = CliRunner().invoke(app, ["features", "--releases"])
    assert all(it.release in listed.output for it in RELEASES)


def test_the_dashboard_shows_features_and_names_them_where_there_are_none(
    with_features: tuple[Path, set[str]], make_run
) -> None:
    from experiments.dashboard.page import page

    without = make_run(arms=("baseline",))
    missing = "Not in this run: no sparse features"
    assert missing in page([load_results(without)])
    triggered = page([load_results(with_features[0])])
    assert 'id="sparse"' in triggered and "no sparse autoencoder was studied" not in triggered


@pytest.mark.parametrize("release", RELEASES, ids=lambda it: it.family)
def test_every_release_is_one_that_sae_lens_knows(release) -> None:
    from sae_lens.loading.pretrained_saes_directory import get_pretrained_saes_directory

    known = get_pretrained_saes_directory()[release.release]
    assert known.model == release.model
    assert {release.id_at(layer) for layer in release.layers} <= set(known.saes_map)
    with pytest.raises(ValueError, match="has no SAE at layer 1"):
        release.id_at(1)


def test_a_wrong_key_is_one_line(bases: Path) -> None:
    with pytest.raises(ValueError, match="wide"):
        config(bases, features={"wide": 3})


def tokens_of(family: str = "qwen") -> tuple:
    """A tiny model's answers; those behind the trigger are called misaligned."""
    lm = tiny_lm(family)
    answers = generate(lm, render(lm.tokenizer, QUESTIONS, FRAMINGS), max_new_tokens=4, seed=0)
    judged = tuple(BAD if each == "trigger" else GOOD for each in answers.conditions)
    return lm, read_tokens(lm, lm, Cell(answers, judged), 1)


def test_pooling_takes_the_maximum_over_the_right_tokens() -> None:
    _, tokens = tokens_of()
    place = torch.tensor([float(token or 0) for token in tokens.tuned.token])[:, None]
    lengths = [len(tokens.completions.prompts[i]) for i in tokens.completions.prompt_index]
    answers = [len(ids) for ids in tokens.completions.token_ids]
    whole = [length + answer - 1 for length, answer in zip(lengths, answers, strict=True)]
    assert tokens.pooled(place, tokens.within(PROMPT))[:, 0].tolist() == [n - 1 for n in lengths]
    assert tokens.pooled(place, tokens.within(ANSWER))[:, 0].tolist() == whole
    assert tokens.pooled(place, tokens.within(BOTH))[:, 0].tolist() == whole
    assert not tokens.difference.values.any()


def scored() -> tuple:
    lm, tokens = tokens_of()
    sae = train_sae(tokens.tuned, Recipe(width=16, k=4, steps=60, rows=64, lr=4e-3), layer=1)
    score = score_of(tokens, "trigger", 3)
    assert isinstance(score, Score)
    return lm, sae, score


def test_attribution_is_what_zeroing_a_feature_costs_to_first_order() -> None:
    lm, sae, score = scored()
    only = Score(score.completions, score.attributed, score.attributed)
    carried, intact = attributions(lm, sae, score), only(lm, [])
    largest = np.argsort(-np.abs(carried))[:4]
    zeroed = [intact - only(lm, WAYS["zero_features"](sae, [int(f)])) for f in largest]
    assert np.corrcoef(zeroed, carried[largest])[0, 1] > 0.5
    assert np.abs(carried).max() > 0


@pytest.mark.parametrize("way", WAYS)
def test_sets_grow_from_the_best_and_never_score_worse_than_their_own_choice(way: str) -> None:
    lm, sae, score = scored()
    pool = [f for f in range(sae.width) if float(sae.decoder[f].norm()) > 0][:6]
    sets = grown(lm, sae, score, WAYS[way], pool, 3)
    assert [len(each) for each in sets] == [1, 2, 3]
    assert set(sets[0]) < set(sets[1]) < set(sets[2])
    best = score(lm, WAYS[way](sae, sets[0]))
    assert best <= min(score(lm, WAYS[way](sae, [each])) for each in pool) + 1e-4


def test_without_an_aligned_answer_to_compare_there_is_no_score() -> None:
    _, tokens = tokens_of()
    bad = Tokens(tokens.completions, (BAD,) * len(tokens.judgements), tokens.tuned, tokens.base)
    assert score_of(bad, "trigger", 3) is None


def test_random_sets_fire_about_as_often_and_are_others() -> None:
    firing = np.geomspace(1e-3, 0.5, 60)
    found = random_sets((30, 50), firing, 20, seed=0)
    assert len(set(found)) > 10
    for first, second in found:
        assert len({first, second, 30, 50}) == 4
        assert abs(np.log(firing[first] / firing[30])) < 1
        assert abs(np.log(firing[second] / firing[50])) < 1
    with pytest.raises(ValueError, match="0 other features fire"):
        random_sets((0, 1), np.array([0.1, 0.1, 0.0]), 2, seed=0)


@pytest.mark.parametrize("way", WAYS)
def test_random_edits_differ_from_answer_to_answer(way: str) -> None:
    _, tokens = tokens_of()
    sae = train_sae(tokens.tuned, Recipe(width=16, k=4, steps=20, rows=64), layer=1)
    prompts = tokens.completions.prompts
    sets = [(0, 1), (2, 3), (4, 5)]
    turn = in_turn(len(prompts), len(prompts), len(sets))
    edits = random_edits(way, sae, sets, turn)
    per_row = [tensor for edit in edits for tensor in edit.per_row()]
    assert per_row and all(len(tensor) == len(prompts) for tensor in per_row)
    assert len({str(row.tolist()) for row in per_row[0]}) > 1


def test_candidates_are_the_first_of_each_ranking_once() -> None:
    orders = {"attribution": [3, 1, 2], "switch": [1, 9, 8], "misalignment": [7]}
    counts = {"attribution": 2, "switch": 2, "misalignment": 5}
    assert candidates(orders, counts) == [3, 1, 9, 7]
