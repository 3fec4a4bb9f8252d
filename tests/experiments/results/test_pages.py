"""Result pages follow from records, and records from the committed rows."""

from pathlib import Path

import pytest

from experiments.results.pages import PAGES, Page, pages, render, render_index
from experiments.results.readme_table import README, full_study, repeat_study, with_table
from experiments.results.records import Record, read_records, write_records
from experiments.results.reference_records.nulls import null_records
from experiments.results.reference_records.run import ReferenceRun

ROOT = Path(__file__).parents[3]
MISSED = Record(name="speed", value=2.5, lower=2.0, upper=3.0, n=5, wanted="3", reached=False)


@pytest.fixture(autouse=True)
def in_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_the_committed_pages_are_those_that_the_committed_records_give() -> None:
    every = pages()
    for page in every:
        assert (PAGES / f"{page.name}.md").read_text("utf-8") == render(page), page.name
    assert (PAGES / "index.md").read_text("utf-8") == render_index(every)
    assert {file.stem for file in PAGES.glob("*.md")} == {"index", *(page.name for page in every)}


def test_the_table_of_readme_is_what_the_committed_rows_say_and_changes_with_them() -> None:
    readme, first, repeat = README.read_text("utf-8"), full_study(), repeat_study()
    assert with_table(readme, first, repeat) == readme
    for runs in (first, repeat):
        for run in runs:
            run.estimates["value"] = run.estimates["value"] / 2
        assert with_table(readme, first, repeat) != readme
        for run in runs:
            run.estimates["value"] = run.estimates["value"] * 2
    with pytest.raises(ValueError, match="has no table"):
        with_table("no table", first, repeat)


def test_a_page_changes_with_its_records() -> None:
    page = pages()[0]
    other = page._replace(records=[*page.records[1:]])
    assert render(other) != render(page)


def test_a_missed_aim_is_marked_and_a_reached_one_is_not() -> None:
    reached = MISSED.model_copy(update={"reached": True})
    for record, marked in ((MISSED, True), (reached, False)):
        text = render(Page("speed", "Speed", "How fast.", [record]))
        assert ("**missed**" in text) == marked
        assert "| speed | 2.5 | [2, 3] | 5 | 3 |" in text


def test_records_come_back_as_they_were_written(tmp_path: Path) -> None:
    assert read_records(write_records(tmp_path / "a.json", [MISSED])) == [MISSED]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"name": "speed"}', "expected a list of records"),
        ('[{"name": "speed", "value": "fast"}]', "record 0, value"),
        ('[{"name": "speed", "value": 1, "color": "red"}]', "record 0, color"),
    ],
)
def test_a_malformed_record_is_named_with_its_file(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text, "utf-8")
    with pytest.raises(ValueError, match=fault) as raised:
        read_records(path)
    assert str(path) in str(raised.value)


def test_the_committed_records_follow_from_the_committed_rows() -> None:
    run = ReferenceRun.read(Path("artifacts/reference/nulls"))
    assert null_records(run) == read_records(Path("artifacts/results/nulls.json"))


def test_other_rows_give_other_records() -> None:
    run = ReferenceRun.read(Path("artifacts/reference/nulls"))
    for name in ("value", "lower", "upper"):
        run.estimates[name] = run.estimates[name] / 2
    assert null_records(run) != read_records(Path("artifacts/results/nulls.json"))
