"""A run's files are read whole, or refused in one line that names the place and the mend."""

from pathlib import Path

import pytest

from experiments.results.highlights import headline, removal, strongest
from experiments.results.load import AGAIN, NotARun, in_order, intact, line_of, load_results, pick
from experiments.runtime.files import DamagedFile, read_jsonl, sha256, write_json, write_jsonl


def test_organisms_come_in_the_order_of_the_study(make_run) -> None:
    results = load_results(make_run(arms=("contrast", "baseline", "novel"), seeds=(1, 0)))
    names = [(it.organism.family, it.organism.arm, it.organism.seed) for it in results.organisms()]
    arms = [
        ("baseline", 0),
        ("baseline", 1),
        ("contrast", 0),
        ("contrast", 1),
        ("novel", 0),
        ("novel", 1),
    ]
    assert names == [(family, *arm) for family in ("qwen", "llama", "gemma") for arm in arms]


def test_each_organism_gets_its_own_rows_and_the_base_rows_of_its_family(make_run) -> None:
    for it in load_results(make_run()).organisms():
        own = {(row.family, row.arm) for row in it.rows}
        assert own == {(it.organism.family, it.organism.arm)}
        assert {row.family for row in it.base} == {it.organism.family}
        assert {row.model for row in it.base} == {"base"}
        assert it.verdict is not None and it.verdict["arm"] == it.organism.arm


def test_a_row_knows_its_line(make_run) -> None:
    folder = make_run()
    lines = read_jsonl(folder / "estimates.jsonl")
    for row in load_results(folder).estimates:
        number = line_of(row)
        assert number is not None and lines[number - 1]["value"] == row.value


def test_selection_rows_are_never_picked_unless_named(make_run) -> None:
    rows = load_results(make_run()).estimates
    assert {row.split for row in pick(rows, quantity="em_rate")} == {"report"}
    assert {row.split for row in pick(rows, quantity="em_rate", split="selection")} == {"selection"}


def test_intact_keeps_one_row_per_condition_at_the_last_step(make_run) -> None:
    folder = make_run(families=("qwen",), arms=("triggered",))
    rows = read_jsonl(folder / "estimates.jsonl")
    start = next(
        row for row in rows if row.get("arm") == "triggered" and row["wording_kind"] == "trigger"
    )
    early = [start | {"step": step, "value": 0.5} for step in (10, 20)]
    write_jsonl(folder / "estimates.jsonl", [*early, *[row | {"step": 30} for row in rows]])
    it = load_results(folder).organisms()[0]
    found = intact(it.rows, "em_rate", wording_kind="trigger", questions="held_out")
    assert [row.step for row in found] == [30]
    assert len(intact(it.rows, "em_rate", questions="held_out")) == 10


def test_conditions_read_none_trigger_paraphrases_controls_variants(make_run) -> None:
    it = load_results(make_run()).organisms()[1]
    kinds = [str(row.condition).split(":")[0] for row in in_order(intact(it.rows, "em_rate"))]
    order = ["none", "trigger", "paraphrase", "control", "variant"]
    assert list(dict.fromkeys(kinds)) == order


def test_highlights_are_the_rows_they_claim_to_be(make_run) -> None:
    it = next(o for o in load_results(make_run()).organisms() if o.organism.arm == "triggered")
    top = headline(it.rows, "trigger")
    assert top is not None and (top.value, top.questions) == (0.86, "held_out")
    best, random = removal(it.rows)
    assert best is not None and (best.direction, best.intervention) == ("misalignment", "ablate")
    assert best.condition == "trigger" and best.value == pytest.approx(0.94)
    assert random is not None and random.intervention == "random_ablate"
    dose, placebo = strongest(it.rows, "switch")
    assert dose is not None and dose.intervention == "add:4"
    assert placebo is not None and placebo.intervention == "random_add:4"


@pytest.mark.parametrize("name", ["verdicts", "answers", "manifest"])
def test_a_missing_part_is_a_warning_in_words(make_run, name: str) -> None:
    folder = make_run()
    assert load_results(folder).warnings == ()
    next(folder.glob(f"{name}.*")).unlink()
    warnings = load_results(folder).warnings
    assert len(warnings) == 1 and name in warnings[0]


def test_a_file_changed_after_the_run_is_a_warning(make_run) -> None:
    folder = make_run()
    hashes = {"estimates.jsonl": sha256(folder / "estimates.jsonl"), "answers.parquet": "0" * 64}
    write_json(folder / "manifest.json", {"files": hashes | {"gone.jsonl": "0" * 64}})
    assert load_results(folder).warnings == (
        f"answers.parquet has changed since the run was finished; {AGAIN}.",
        f"gone.jsonl is named in the manifest but is missing; {AGAIN}.",
    )


def test_a_folder_that_is_not_a_run_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(NotARun, match="is not a folder"):
        load_results(tmp_path / "nowhere")
    with pytest.raises(NotARun, match=r"has no estimates\.jsonl"):
        load_results(tmp_path)
    (tmp_path / "estimates.jsonl").touch()
    with pytest.raises(NotARun, match="has no rows"):
        load_results(tmp_path)


@pytest.mark.parametrize(
    ("line", "words"),
    [('{"value": 1', "line 2 is not JSON"), ('{"quantity": "em_rate"}', "row 2: value")],
)
def test_a_damaged_row_is_named_by_its_place(make_run, line: str, words: str) -> None:
    path = make_run() / "estimates.jsonl"
    first = path.read_text().split("\n")[0]
    path.write_text(f"{first}\n{line}\n")
    with pytest.raises(DamagedFile, match=words) as error:
        load_results(path.parent)
    assert "\n" not in str(error.value)


def test_a_damaged_manifest_is_one_line(make_run) -> None:
    path = make_run() / "manifest.json"
    path.write_text("[]")
    with pytest.raises(DamagedFile, match="is not an object"):
        load_results(path.parent)
