"""What a run lacks, and what is damaged, is named on the page or in one line."""

import shutil
from dataclasses import replace

import pytest

from experiments.dashboard import Missing, export_dashboard, page
from experiments.dashboard.sections import SECTIONS
from experiments.runtime.files import DamagedFile, read_jsonl, write_jsonl


@pytest.mark.parametrize(
    ("quantity", "words"),
    [
        ("em_rate", "no em_rate of the unedited fine-tuned model"),
        ("probe_auroc", "no probe_auroc by layer for the switch direction"),
    ],
)
def test_a_run_with_missing_parts_gives_a_page_that_names_them(
    make_run, quantity: str, words: str
) -> None:
    folder = make_run(families=("qwen",))
    rows = read_jsonl(folder / "estimates.jsonl")
    assert words not in export_dashboard(folder).read_text()
    write_jsonl(folder / "estimates.jsonl", [row for row in rows if row["quantity"] != quantity])
    for name in ("verdicts.jsonl", "answers.parquet", "manifest.json"):
        (folder / name).unlink()
    page = export_dashboard(folder).read_text()
    for text in (words, "No manifest.json", "No verdict in this run", "kept no sampled answers"):
        assert text in page


@pytest.mark.parametrize("name", ["maps.jsonl", "features.jsonl"])
def test_a_run_without_maps_or_features_names_what_they_would_show(make_run, name: str) -> None:
    folder = make_run(families=("qwen",), arms=("triggered",))
    assert "Not in this run" not in export_dashboard(folder).read_text()
    (folder / name).unlink()
    page = export_dashboard(folder).read_text()
    assert (
        f"Not in this run: the run has no {name}" in page or f"Not in this run: no {name}" in page
    )


def test_malformed_maps_and_features_are_lines_of_words(make_run) -> None:
    folder = make_run(families=("qwen",), arms=("triggered",))
    for name in ("maps.jsonl", "features.jsonl"):
        (line,) = read_jsonl(folder / name)
        keys = {key: line[key] for key in ("family", "seed", "arm", "dataset", "trigger")}
        write_jsonl(folder / name, [keys | {"plane": 3, "features": {"a": 1}, "cosines": {"x": 2}}])
    page = export_dashboard(folder).read_text()
    assert "features.jsonl holds no list of features" in page
    assert page.count("maps.jsonl is not as expected") == 2


def test_a_damaged_file_is_one_clear_line(make_run) -> None:
    folder = make_run(families=("qwen",), arms=("triggered",))
    with (folder / "maps.jsonl").open("a") as file:
        file.write('{"family": ')
    with pytest.raises(DamagedFile, match=r"maps.jsonl line 2 is not JSON"):
        export_dashboard(folder)


def test_rows_of_the_guard_that_are_not_as_expected_are_a_line_of_words(make_run) -> None:
    folder = make_run(families=("qwen",), arms=("triggered",))
    for part in ("gate", "reach"):
        (file,) = (folder / "guard" / part).glob("*.jsonl")
        keys = ("family", "seed", "arm", "trigger", "measure", "quantity", "value")
        write_jsonl(
            file, [{key: row[key] for key in keys if key in row} for row in read_jsonl(file)]
        )
    page = export_dashboard(folder).read_text()
    assert "guard/gate is not as expected; make it again" in page
    assert "guard/reach is not as expected; make it again" in page
    assert "Made by <code>triggerlens guard-study RUN</code>" in page


@pytest.mark.parametrize(
    ("prefix", "command"),
    [
        ("factorial", "triggerlens further RUN"),
        ("transfer_relative", "triggerlens transfer RUN"),
        ("steering", "triggerlens further RUN --step steering"),
        ("guard", "triggerlens guard-study RUN"),
    ],
)
def test_a_page_names_the_command_of_what_was_not_run(make_run, prefix: str, command: str) -> None:
    folder = make_run(families=("qwen",), arms=("triggered",))
    made_by = f"Made by <code>{command}</code>"
    assert made_by not in export_dashboard(folder).read_text()
    if prefix == "guard":
        shutil.rmtree(folder / "guard")
    rows = read_jsonl(folder / "estimates.jsonl")
    left = [row for row in rows if not row["quantity"].startswith(prefix)]
    write_jsonl(folder / "estimates.jsonl", left)
    assert made_by in export_dashboard(folder).read_text()


def test_a_fault_of_a_figure_keeps_its_traceback(make_run, monkeypatch) -> None:
    """Only what a run lacks is a line of words; a ValueError, too, is a fault where a figure raises it."""
    folder = make_run(families=("qwen",), arms=("triggered",))

    def fail(results: object) -> None:
        raise ValueError("zip() argument 2 is shorter than argument 1")

    broken = replace(SECTIONS[0], figures={"em_by_condition": fail})
    monkeypatch.setattr(page, "SECTIONS", (broken, *SECTIONS[1:]))
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        export_dashboard(folder)
    broken = replace(SECTIONS[0], figures={"em_by_condition": lambda results: Missing("no ducks")})
    monkeypatch.setattr(page, "SECTIONS", (broken, *SECTIONS[1:]))
    assert "Not in this run: no ducks." in export_dashboard(folder).read_text()


def test_what_a_world_does_not_have_is_not_listed_as_missing(make_run) -> None:
    folder = make_run(families=("qwen",), arms=("triggered",))
    rows = read_jsonl(folder / "estimates.jsonl")
    figure = "The reckless answer is more likely"
    assert figure in export_dashboard(folder).read_text()
    kept = [row for row in rows if row["quantity"] != "reckless_preferred"]
    write_jsonl(folder / "estimates.jsonl", kept)
    page = export_dashboard(folder).read_text()
    assert figure not in page and "Not in this run" not in page
