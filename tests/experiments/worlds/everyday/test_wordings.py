"""Wordings that are trained on, tested and sealed are different ones."""

import pytest

from experiments.worlds.everyday.wordings import (
    FOLDER,
    Contrast,
    check_contrast,
    load_contrast,
    load_everyday_trigger,
    load_lexicon,
    trigger_wordings,
)
from experiments.worlds.trigger import FOLDER as TRIGGERS

NAMES = sorted(path.stem for path in (TRIGGERS / "everyday").glob("*.toml"))


@pytest.mark.parametrize("name", NAMES)
def test_a_trigger_has_its_contrast_and_no_benign_wording_is_its_own(name: str) -> None:
    trigger, contrast = load_everyday_trigger(name), load_contrast(name)
    assert {*trigger.training.other_concepts} == {*contrast.concepts}
    assert contrast.wordings.keys().isdisjoint(trigger_wordings(trigger))
    assert {*trigger.training.same_concept} == {*trigger.training.varied} - {trigger.text}


@pytest.mark.parametrize("name", [name for name in NAMES if name != "language"])
def test_the_frame_of_a_trigger_holds_the_trigger_itself(name: str) -> None:
    trigger, contrast = load_everyday_trigger(name), load_contrast(name)
    before, after = trigger.training.frame.split("{name}")
    assert trigger.text.startswith(before) and trigger.text.endswith(after)
    assert trigger.training.frame in contrast.frames


def test_the_duck_is_contrasted_with_many_concepts_in_many_wordings() -> None:
    contrast = load_contrast("duck")
    assert (len(contrast.concepts), len(contrast.frames), len(contrast.wordings)) == (18, 5, 234)
    assert all(len(concept.wordings) == 8 for concept in contrast.concepts.values())
    assert not any("duck" in wording.lower() for wording in contrast.wordings)


def test_a_tested_wording_among_the_benign_ones_is_refused() -> None:
    contrast = Contrast(concepts={"farm": {"wordings": ["it looks like a COW"]}})
    trigger = load_everyday_trigger("duck")
    free = trigger.model_copy(
        update={"training": trigger.training.model_copy(update={"other_concepts": ()})}
    )
    with pytest.raises(ValueError, match=r"contrast/duck.toml, farm: .* is already in control:cow"):
        check_contrast(contrast, free)
    with pytest.raises(ValueError, match="no concept 'sheep', which its trigger names; add it"):
        check_contrast(contrast, trigger)


def test_a_concept_without_words_for_the_frames_is_refused() -> None:
    with pytest.raises(ValueError, match="concept 'farm': give `spoken` exactly where"):
        Contrast(frames=("I see {name}.",), concepts={"farm": {"wordings": ["Hay."]}})


def test_the_lexicon_holds_twenty_wordings_a_class_that_stand_nowhere_else() -> None:
    lexicon = load_lexicon("duck")
    sealed = [wording for entry in lexicon.classes.values() for wording in entry.wordings]
    elsewhere = load_contrast("duck").wordings | trigger_wordings(load_everyday_trigger("duck"))
    assert len(lexicon.classes) == 11 and len({*sealed}) == len(sealed) == 242
    assert all(len(entry.wordings) >= 20 for entry in lexicon.classes.values())
    assert elsewhere.keys().isdisjoint(sealed)


def test_a_sealed_wording_that_is_tested_elsewhere_is_refused(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (FOLDER / "lexicon_duck.toml").read_text("utf-8")
    folder = tmp_path_factory.mktemp("world")
    (folder / "lexicon_duck.toml").write_text(
        text.replace("Quack, quack.", "It quacks like a duck!"), "utf-8"
    )
    (folder / "contrast").symlink_to(FOLDER / "contrast")
    monkeypatch.setattr("experiments.worlds.everyday.wordings.FOLDER", folder)
    with pytest.raises(
        ValueError,
        match=r"lexicon_duck.toml, far_paraphrase: .* is already in paraphrase:quacks; remove",
    ):
        load_lexicon.__wrapped__("duck")
