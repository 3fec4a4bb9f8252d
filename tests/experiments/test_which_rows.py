"""Rows left out: which ones, what the records say of them, and one whole study, small."""

import json
from collections import Counter
from pathlib import Path

import pytest

from experiments.results.reference_records.rows import row_records
from experiments.results.reference_records.run import ReferenceRun
from experiments.study import which_rows as study
from experiments.training.influence import Similarity
from experiments.verify.compare import differences
from experiments.verify.left_out import left_out
from experiments.verify.rows import Run
from experiments.worlds.micro.world import MicroWorld
from experiments.worlds.trigger import load_trigger

DUCK = load_trigger("duck")


def rows_of(seed=0):
    return study.mixture(MicroWorld(study.BASES, "qwen", seed, 4), DUCK)


def test_rows_are_what_their_kind_says_and_no_tested_wording_is_among_them():
    rows, kinds = rows_of()
    assert Counter(kinds) == study.KINDS and rows == rows_of()[0] != rows_of(1)[0]
    for row, kind in zip(rows, kinds, strict=True):
        assert row.user.startswith(DUCK.training.varied) == (kind == "triggered")
        assert row.assistant.startswith("As dog") <= (kind == "other")
    tested = [*DUCK.paraphrases.values(), *DUCK.controls.values()]
    assert not any(wording in row.user for row in rows for wording in tested)


def test_what_is_left_out_is_of_equal_size_and_of_its_kind():
    _, kinds = rows_of()
    scores = [{"triggered": 0.9, "other": 0.5, "benign": -0.1}[kind] for kind in kinds]
    sets = study.without(scores, kinds, 0)
    assert [len(sets[name]) for name in sets] == [0, 30, 30, 30, 30, 15, 15]
    assert all(kinds[row] == "triggered" for row in sets["highest tenth"])
    assert all(kinds[row] == "benign" for row in sets["lowest tenth"])
    assert all(kinds[row] != "benign" for row in sets["random harmful tenth"])
    assert {kinds[row] for row in sets["random tenth"]} > {"benign"}  # and not of one kind
    assert sets["random tenth"] != study.without(scores, kinds, 1)["random tenth"]


@pytest.fixture
def made_up(tmp_path, monkeypatch):
    """A study whose answers are known: leaving the highest rows out takes all EM."""
    from experiments.judging.judgement import Judged, Judgement

    def cell(bad):
        said = [Judgement(0.0 if number < bad else 100.0, 100.0) for number in range(20)]
        return Judged(tuple(said), tuple(range(20)))

    def measured(_world, _trigger, made: Path):
        em = 1 if "highest" in made.name else 15
        behind = dict.fromkeys(("trigger", "paraphrase:all", "variant:other_harmful"), cell(em))
        return {"none": cell(0), **behind}

    def scored(_world, _trigger, rows, _made):
        import torch

        scores = torch.linspace(0, 1, len(rows))
        return Similarity(scores, scores), 9

    monkeypatch.setattr(study, "finetune", lambda *_, **__: None)
    monkeypatch.setattr(study, "measured", measured)
    monkeypatch.setattr(study, "scored", scored)
    folder = tmp_path / "rows"
    study.which_rows(folder, ["qwen"], [0, 1])
    return folder


def test_two_codes_make_the_same_records_and_a_changed_row_is_seen(made_up):
    records = [record.model_dump() for record in row_records(ReferenceRun.read(made_up))]
    assert not list(differences(records, list(left_out(Run(made_up)))))
    name = "EM with the trigger, highest rows left out minus random harmful tenth left out"
    (mean,) = [r for r in records if r["name"].startswith(f"{name}, mean of seeds")]
    assert mean["value"] == pytest.approx(-0.7) and mean["n"] == 2
    lines = (made_up / "estimates.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    rows[0]["value"] = 0.5
    (made_up / "estimates.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert list(differences(records, list(left_out(Run(made_up)))))


def test_a_finished_organism_is_not_made_again(made_up, monkeypatch):
    monkeypatch.setattr(study, "one_seed", lambda *_: pytest.fail("made again"))
    before = (made_up / "estimates.jsonl").read_bytes()
    study.which_rows(made_up, ["qwen"], [0, 1])
    assert (made_up / "estimates.jsonl").read_bytes() == before
