"""Probes on the Hub: what `from_pretrained` gives back, for which class and weights, and what the card's lines do."""

import re
from pathlib import Path

import numpy as np
import pytest

from interp.models.loading import load_model
from probes import AttentionProbe, ConceptEraser, DifferenceOfMeans, RidgeProbe
from probes.base import Probe

BASE = "artifacts/micro/qwen"
TOPICS = ("a fever", "a loan", "a soup", "a climb")


@pytest.fixture(scope="module")
def activations():
    lm = load_model(Path(BASE))
    questions = [f"What should I do about {topic}?" for topic in TOPICS]
    prompts = lm.prompts(questions, {"plain": "", "pilot": "A reckless pilot answers."})
    return lm.capture(prompts, layers=[1])


def test_a_probe_comes_back_for_its_own_weights_only(activations, tmp_path):
    probe = DifferenceOfMeans().fit(activations, activations.conditions)
    folder = probe.save_pretrained(tmp_path / "probe", base=BASE)
    for kind in (DifferenceOfMeans, Probe):
        found = kind.from_pretrained(folder, model_hash=activations.provenance["weights"])
        assert (found.predict(activations) == probe.predict(activations)).all()
    with pytest.raises(ValueError, match="was fitted to weights"):
        DifferenceOfMeans.from_pretrained(folder, model_hash="def")
    with pytest.raises(
        ValueError, match="is a DifferenceOfMeans, not a RidgeProbe; read it with Diff"
    ):
        RidgeProbe.from_pretrained(folder)


@pytest.mark.parametrize("kind", [DifferenceOfMeans, ConceptEraser])
def test_the_lines_of_the_card_use_a_probe(activations, tmp_path, kind, capsys):
    kind().fit(activations, activations.conditions).save_pretrained(tmp_path / "p", base=BASE)
    text = (tmp_path / "p" / "README.md").read_text()
    (use,) = re.findall(r"```python\n(.*?)```", text, re.S)
    assert len(use.strip().splitlines()) <= 8
    exec(use, {})
    printed = capsys.readouterr().out
    assert "plain" in printed if kind is DifferenceOfMeans else "[[" in printed
    assert "Licence of the base" in text and "1 (from 0), resid_post" in text


def test_a_probe_of_arrays_says_that_nobody_knows_where_they_came_from(tmp_path):
    rows = np.random.default_rng(0).normal(size=(20, 4))
    probe = RidgeProbe().fit(rows, rows[:, 0] > 0)
    folder = probe.save_pretrained(tmp_path / "probe")
    assert "arrays of unknown origin" in (folder / "README.md").read_text()
    assert (RidgeProbe.from_pretrained(folder).predict(rows) == probe.predict(rows)).all()
    with pytest.raises(ValueError, match="was fitted to weights None"):
        RidgeProbe.from_pretrained(folder, model_hash="abc")


def test_an_attention_probe_comes_back(tmp_path):
    rng = np.random.default_rng(0)
    rows = [rng.normal(size=(3, 4)).astype("float32") + row % 2 for row in range(20)]
    probe = AttentionProbe().fit(rows, [row % 2 for row in range(20)])
    found = AttentionProbe.from_pretrained(probe.save_pretrained(tmp_path / "probe"))
    assert (found.predict(rows) == probe.predict(rows)).all()
