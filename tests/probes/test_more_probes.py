"""The probes with a contract of their own, erasure, and what is kept on disk."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from interp.activations import Activations
from interp.io.checksummed import HASHES, save_sealed
from probes import (
    AttentionProbe,
    ConceptEraser,
    ContrastComponent,
    DifferenceOfMeans,
    DiscriminantProbe,
    LogisticProbe,
    MLPProbe,
    PairedDifference,
    RidgeProbe,
    fit_direction,
    load_probe,
    sweep,
)
from tests.probes.planted import as_activations, planted

SAVED = [
    DifferenceOfMeans(whiten=True),
    DiscriminantProbe(shrinkage=0.3),
    LogisticProbe(C=0.5),
    MLPProbe(width=4),
    PairedDifference(),
    RidgeProbe(alpha=3.0),
]


def xor(rows=400, seed=0):
    generator = np.random.default_rng(seed)
    signs = generator.choice([-1.0, 1.0], size=(rows, 2))
    X = np.concatenate([2 * signs, generator.normal(size=(rows, 6))], axis=1)
    return X + 0.3 * generator.normal(size=X.shape), signs.prod(axis=1) > 0


def test_the_network_reads_what_no_line_can():
    X, y = xor()
    new, new_y = xor(seed=1)
    assert (MLPProbe().fit(X, y).predict(new) == new_y).mean() > 0.95
    assert (LogisticProbe().fit(X, y).predict(new) == new_y).mean() < 0.65
    assert not hasattr(MLPProbe().fit(X, y), "direction")


def test_the_network_reads_raw_units_and_repeats_itself():
    X, y = xor()
    big = X * 1000 + 5
    ours = MLPProbe().fit(big, y)
    assert (ours.predict(big) == y).mean() > 0.95
    assert np.array_equal(ours.decision_function(X), MLPProbe().fit(big, y).decision_function(X))


def pairs(count=200, d_model=24, seed=0):
    """Versions differ by the wording (the same for all) and, half of the time, by a hidden truth."""
    generator = np.random.default_rng(seed)
    truth = generator.random(count) < 0.5
    v, wording = np.linalg.qr(generator.normal(size=(d_model, 2)))[0].T
    about = generator.normal(size=(count, d_model))
    first = about + 0.2 * generator.normal(size=about.shape) - np.outer(2 * truth - 1, v)
    second = about + 0.2 * generator.normal(size=about.shape) + np.outer(2 * truth - 1, v)
    return first, second + 10 * wording, truth, v, wording


def test_pairs_alone_give_the_direction_but_not_its_sign():
    first, second, truth, v, wording = pairs()
    found = ContrastComponent().fit(torch.tensor(first), second)
    assert abs(found.unit_vector @ v) >= 0.99 and abs(found.unit_vector @ wording) < 0.1
    assert found.explained_ > 0.4 and not found.oriented_
    half = slice(0, 100)
    turned = found.oriented(second[half], truth[half])
    assert turned.oriented_ and turned.unit_vector @ v >= 0.99
    assert found.oriented(second[half], ~truth[half]).unit_vector @ v <= -0.99
    assert ContrastComponent().fit(second, first).unit_vector @ found.unit_vector > 0.99


def test_pairs_that_do_not_match_are_refused():
    first, second, *_ = pairs()
    with pytest.raises(ValueError, match=r"pairs \(200, 24\) and \(199, 24\)"):
        ContrastComponent().fit(first, second[:-1])
    with pytest.raises(ValueError, match="differ in the same way"):
        ContrastComponent().fit(first, first + 0.0)


def token_rows(rows=200, d_model=12, seed=0):
    """One token of each row, at any place, carries a mark (dimension 1) and the class (dimension 0)."""
    generator = np.random.default_rng(seed)
    y = np.arange(rows) % 2 == 1
    found, marked = [], []
    for label in y:
        tokens = generator.normal(size=(int(generator.integers(5, 12)), d_model))
        place = int(generator.integers(len(tokens)))
        tokens[place, 1] += 6
        tokens[place, 0] = 2.0 if label else -2.0
        found.append(tokens)
        marked.append(place)
    return found, y, marked


def test_attention_finds_the_token_that_tells():
    rows, y, _ = token_rows()
    new, new_y, marked = token_rows(seed=1)
    probe = AttentionProbe().fit([torch.tensor(row) for row in rows], y)
    assert (probe.predict(new) == new_y).mean() > 0.97
    means = [np.mean(np.stack([row.mean(axis=0) for row in each]), axis=0) for each in (rows, new)]
    assert len(means) == 2
    pooled = LogisticProbe().fit(np.stack([row.mean(axis=0) for row in rows]), y)
    assert (pooled.predict(np.stack([row.mean(axis=0) for row in new])) == new_y).mean() < 0.9
    weights = probe.attention(new)
    assert all(each.sum() == pytest.approx(1, abs=1e-5) for each in weights)
    assert (
        np.mean([each.argmax() == place for each, place in zip(weights, marked, strict=True)]) > 0.8
    )
    assert probe.unit_vector[0] > 0.8


def test_padding_of_other_rows_changes_nothing():
    rows, y, _ = token_rows(rows=40)
    probe = AttentionProbe().fit(rows, y)
    alone = [probe.decision_function([row])[0] for row in rows]
    assert probe.decision_function(rows) == pytest.approx(alone, abs=1e-4)
    assert clone(probe).get_params() == probe.get_params()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([np.zeros((0, 3)), np.ones((2, 3))], "row 0 is"),
        ([np.full((2, 3), np.nan), np.ones((2, 3))], "row 0: token 0, feature 0 is NaN"),
        ([np.ones((2, 3)), np.ones((2, 4))], "unequal width"),
        ([np.ones((2, 3))], "2 labels but 1 rows"),
    ],
)
def test_bad_token_rows_are_one_clear_line(rows, message):
    with pytest.raises(ValueError, match=message):
        AttentionProbe().fit(rows, [0, 1])


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 20), st.integers(0, 1000), st.floats(0.5, 5))
def test_after_erasure_no_linear_probe_reads_the_classes(d_model, seed, gap):
    X, y, _, _ = planted(d_model=d_model, gap=gap, questions=20, seed=seed)
    X = X[:, 0].astype(float)
    erased = ConceptEraser().fit(X, y).transform(X)
    difference = erased[y].mean(axis=0) - erased[~y].mean(axis=0)
    assert np.abs(difference).max() < 1e-6  # the theorem: equal means, so no linear read-out
    assert (
        np.abs(X[y].mean(axis=0) - X[~y].mean(axis=0)).max() > 0.1
    )  # and they were not equal before
    assert np.abs(LogisticRegression(tol=1e-10).fit(erased, y).coef_).max() < 1e-3
    again = ConceptEraser().fit(X, y).transform(erased)
    assert again == pytest.approx(erased, abs=1e-6)


def test_erasure_leaves_what_is_not_linear():
    X, y = xor()
    erased = ConceptEraser().fit(X, y).transform(X)
    assert (MLPProbe().fit(erased, y).predict(erased) == y).mean() > 0.9


@pytest.mark.parametrize("probe", SAVED, ids=repr)
def test_a_probe_on_disk_is_the_probe(probe, tmp_path):
    X, y, groups, _ = planted(d_model=8)
    activations = as_activations(X, y, groups)
    fitted = clone(probe).fit(activations, activations.conditions)
    fitted.save(tmp_path / "probe")
    loaded = load_probe(tmp_path / "probe", model_hash="abc")
    assert np.array_equal(loaded.decision_function(X[:, 0]), fitted.decision_function(X[:, 0]))
    assert np.array_equal(loaded.predict(activations), fitted.predict(activations))
    assert loaded.get_params() == fitted.get_params() and type(loaded) is type(fitted)
    if hasattr(fitted, "direction"):
        assert torch.equal(loaded.direction.vector, fitted.direction.vector)
        assert loaded.direction.meaning == "points from none to trigger"


def test_another_models_activations_are_refused(tmp_path):
    X, y, groups, _ = planted(d_model=8)
    mine, theirs = (as_activations(X, y, groups, weights=name) for name in ("mine", "theirs"))
    elsewhere = as_activations(X, y, groups, weights="mine", position="mean_answer")
    fitted = LogisticProbe().fit(mine, y)
    fitted.save(tmp_path / "probe")
    for probe in (fitted, load_probe(tmp_path / "probe")):
        assert len(probe.predict(mine)) == len(y)
        with pytest.raises(ValueError, match="weights mine, these activations have theirs"):
            probe.predict(theirs)
        with pytest.raises(ValueError, match="position last_prompt_token"):
            probe.decision_function(elsewhere)
        assert len(probe.predict(theirs.at(0))) == len(y)  # crossing on purpose
    with pytest.raises(ValueError, match="fitted to weights mine, but this model has theirs"):
        load_probe(tmp_path / "probe", model_hash="theirs")


def test_another_site_or_adapter_is_refused_and_gives_no_direction(tmp_path):
    X, y, groups, _ = planted(d_model=8)
    mine = as_activations(X, y, groups)
    added = replace(mine, site="mlp_out")
    tuned = replace(mine, provenance={**mine.provenance, "adapter": "tuned"})
    LogisticProbe().fit(mine, y).save(tmp_path / "probe")
    with pytest.raises(ValueError, match="site resid_post, these activations have mlp_out"):
        load_probe(tmp_path / "probe").predict(added)
    with pytest.raises(ValueError, match="adapter tuned, these activations have None"):
        LogisticProbe().fit(tuned, y).predict(mine)
    with pytest.raises(ValueError, match="read mlp_out of layer 0, but a direction is of"):
        LogisticProbe().fit(added, y).direction  # noqa: B018
    with pytest.raises(ValueError, match="these activations are mlp_out"):
        fit_direction(LogisticProbe(), added, y, 0, name="a", meaning="b", source="c")


def test_half_written_or_foreign_files_are_refused(tmp_path):
    X, y, _, _ = planted(d_model=8)
    fitted = RidgeProbe().fit(X[:, 0], y)
    fitted.save(tmp_path / "probe")
    with pytest.raises(ValueError, match=r"no .*other\.json"):
        load_probe(tmp_path / "other")
    facts = json.loads((tmp_path / "probe.json").read_text())
    (tmp_path / "probe.json").write_text(json.dumps({**facts, "probe": "Mystery"}))
    with pytest.raises(ValueError, match=r"probe\.json is not what was saved"):
        load_probe(tmp_path / "probe")
    stranger = {k: v for k, v in facts.items() if k not in HASHES} | {"probe": "Mystery"}
    save_sealed(tmp_path / "strange", {"coef_": torch.zeros(1)}, stranger, indent=1)
    with pytest.raises(ValueError, match="unknown kind 'Mystery'"):
        load_probe(tmp_path / "strange")
    (tmp_path / "probe.json").write_text(json.dumps(facts))
    (tmp_path / "probe.safetensors").write_bytes(b"cut off")
    with pytest.raises(ValueError, match="not what was saved"):
        load_probe(tmp_path / "probe")
    (tmp_path / "probe.safetensors").unlink()
    with pytest.raises(ValueError, match=r"no .*probe\.safetensors; put it back"):
        load_probe(tmp_path / "probe")
    for text, message in (('{"probe"', r"probe\.json is damaged"), ("[]", "holds no probe")):
        (tmp_path / "probe.json").write_text(text)
        with pytest.raises(ValueError, match=message):
            load_probe(tmp_path / "probe")


def test_pairs_that_do_not_fit_the_component_are_named():
    X, y, _, _ = planted(d_model=8)
    rows = X[:, 0]
    found = ContrastComponent().fit(rows[:20], rows[20:40])
    with pytest.raises(ValueError, match="rows have 3 features, but it was fitted on 8"):
        found.decision_function(rows[:, :3])
    with pytest.raises(ValueError, match="239 labels but 240 rows: give each row its label"):
        found.oriented(rows, y[:-1])


def test_a_probe_of_bare_rows_has_no_direction_to_give():
    X, y, groups, _ = planted(d_model=8, layers=2)
    with pytest.raises(ValueError, match="which model it read"):
        LogisticProbe().fit(X[:, 0], y).direction  # noqa: B018
    activations = as_activations(X, y, groups)
    with pytest.raises(ValueError, match=r"layers \[0, 1\]: name one"):
        LogisticProbe().fit(activations, y)
    with pytest.raises(ValueError, match="layer=1 needs Activations"):
        LogisticProbe().fit(X[:, 0], y, layer=1)
    assert LogisticProbe().fit(activations, y, layer=1).direction.layer == 1


def test_a_network_can_stand_in_a_sweep():
    X, y, groups, _ = planted(d_model=8, gap=4.0, questions=12)
    probes = {"network": MLPProbe(width=4, max_iter=50)}
    found = sweep(X, y, groups, probes=probes, folds=3, permutations=1, resamples=100)
    assert found.get().value > 0.8


def test_an_eraser_on_disk_is_the_eraser_and_refuses_another_model(tmp_path):
    X, y, groups, _ = planted(d_model=8, layers=2)
    mine, theirs = (as_activations(X, y, groups, weights=name) for name in ("mine", "theirs"))
    fitted = ConceptEraser().fit(mine, mine.conditions, layer=1)
    fitted.save(tmp_path / "eraser")
    loaded = load_probe(tmp_path / "eraser", model_hash="mine")
    assert np.array_equal(loaded.transform(mine), fitted.transform(X[:, 1]))
    assert not np.allclose(loaded.transform(mine), X[:, 1])  # it does erase something
    assert loaded.classes_.tolist() == ["none", "trigger"]
    with pytest.raises(ValueError, match="weights mine, these activations have theirs"):
        loaded.transform(theirs)
    with pytest.raises(ValueError, match="fitted to weights mine, but this model has theirs"):
        load_probe(tmp_path / "eraser", model_hash="theirs")
    with pytest.raises(ValueError, match=r"layers \[0, 1\]: name one with layer="):
        ConceptEraser().fit(mine, mine.conditions)


def as_tokens(rows, weights="mine"):
    """Token matrices as `Activations` captured with Each(position)."""
    source = tuple(number for number, row in enumerate(rows) for _ in row)
    values = torch.tensor(np.concatenate(rows), dtype=torch.float32)[:, None]
    same = ("",) * len(source)
    made = {"weights": weights}
    return Activations(values, (4,), same, same, "each token", made, source=source)


def test_an_attention_probe_on_disk_is_the_probe_and_refuses_another_model(tmp_path):
    rows, y, _ = token_rows(rows=40)
    mine, theirs = as_tokens(rows), as_tokens(rows, weights="theirs")
    fitted = AttentionProbe(C=0.5).fit(mine, y)
    fitted.save(tmp_path / "probe")
    loaded = load_probe(tmp_path / "probe", model_hash="mine")
    assert loaded.get_params() == fitted.get_params()
    assert np.array_equal(loaded.decision_function(mine), fitted.decision_function(rows))
    assert np.array_equal(loaded.predict(mine), fitted.predict(mine))
    assert fitted.decision_function(rows) == pytest.approx(
        AttentionProbe(C=0.5).fit(rows, y).decision_function(rows), abs=1e-5
    )
    with pytest.raises(ValueError, match="weights mine, these activations have theirs"):
        loaded.decision_function(theirs)
    with pytest.raises(ValueError, match="40 rows: give each row its label"):
        AttentionProbe().fit(mine, np.ones(len(mine)))
    with pytest.raises(ValueError, match="do not say which prompt"):
        AttentionProbe().fit(replace(mine, source=()), y)


def test_a_probe_that_could_not_be_loaded_again_is_not_saved(tmp_path: Path) -> None:
    class Mine(DifferenceOfMeans):
        pass

    probe = Mine().fit(np.array([[0.0, 1.0], [1.0, 0.0]]), [0, 1])
    with pytest.raises(ValueError, match=r"Mine .* add it to KINDS"):
        probe.save(tmp_path / "mine")
    assert list(tmp_path.iterdir()) == []
