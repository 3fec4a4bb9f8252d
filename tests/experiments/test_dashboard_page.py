"""The page: one file that asks for nothing, in which what models wrote stays text."""

import base64
import gzip
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plotly.offline import get_plotlyjs_version

from experiments.dashboard import export_dashboard
from experiments.dashboard.answers import answer_table
from experiments.dashboard.inert import packed_json, page_part
from experiments.dashboard.page import PLOTLY as DRAWS
from experiments.results.load import NotARun, RunResults, load_results
from experiments.runtime.files import write_json
from tests.experiments.made_up_files import change_answer

PLOTLY = 3  # which of the page's data elements holds what draws


class Elements(HTMLParser):
    """Start tags with their attributes, and the text of each script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self.tags.append((f"/{tag}", {}))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] == "script":
            self.scripts[-1] += data


def unpack(text: str) -> Any:
    return json.loads(gzip.decompress(base64.b64decode(text)))


def test_what_is_not_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotARun):
        export_dashboard(tmp_path)
    with pytest.raises(ValueError, match="no run given"):
        export_dashboard([])


def test_the_page_is_one_file_that_asks_for_nothing(make_run) -> None:
    path = export_dashboard(make_run(families=("qwen",)))
    assert path.name == "dashboard.html" and path.stat().st_size < 8_000_000
    elements = Elements(path.read_text())
    for tag, attributes in elements.tags:
        assert tag not in {"link", "iframe", "img", "object", "embed", "base", "form"}
        assert "src" not in attributes
        assert (attributes.get("href") or "#").startswith("#")
    assert path.stat().st_size < 1_500_000  # what draws is packed


def test_only_the_two_scripts_of_the_page_may_run(make_run) -> None:
    page = export_dashboard(make_run(families=("qwen",))).read_text()
    elements = Elements(page)
    policy = next(a["content"] for _, a in elements.tags if a.get("http-equiv"))
    allowed = re.findall(r"'sha256-([^']+)'", policy or "")
    types = [attributes.get("type") for tag, attributes in elements.tags if tag == "script"]
    assert types == [*["text/plain"] * 5, None]
    plotly = gzip.decompress(base64.b64decode(elements.scripts[PLOTLY])).decode()
    digests = [hashlib.sha256(text.encode()).digest() for text in (plotly, elements.scripts[-1])]
    assert [base64.b64encode(digest).decode() for digest in digests] == allowed
    assert "default-src 'none'" in policy and "unsafe-eval" not in policy
    assert "unsafe-inline" not in policy.split("style-src")[0]


def test_what_draws_is_of_plotlys_version_and_knows_every_kind_of_trace(make_run) -> None:
    script = page_part(DRAWS)
    advice = f"npm pack plotly.js-cartesian-dist-min@{get_plotlyjs_version()}"
    assert f"v{get_plotlyjs_version()}" in script[:200], advice
    known = set(re.findall(r'moduleType:"trace",name:"(\w+)"', script))
    page = Elements(export_dashboard(make_run(families=("qwen",))).read_text())
    figures = unpack(page.scripts[0])["figures"]
    drawn = {trace["type"] for figure in figures for trace in figure["data"]}
    assert drawn >= {"scatter", "heatmap"} and drawn <= known
    assert "scatter3d" not in known  # the whole of Plotly would pass too


def test_hostile_names_stay_text(hostile_run: Path, make_run) -> None:
    page = export_dashboard(hostile_run).read_text()
    plain = export_dashboard(make_run(name="plain", families=("qwen",), arms=("triggered",)))
    assert "&lt;img src=x" in page and "\u202e" not in page
    elements, expected = Elements(page), Elements(plain.read_text())
    assert {tag for tag, _ in elements.tags} - {tag for tag, _ in expected.tags} <= {
        "ul",
        "li",
        "/ul",
        "/li",
        "code",
        "/code",
    }
    assert len(elements.scripts) == 6
    assert not any(name.startswith("on") for _, a in elements.tags for name in a)
    figures = json.dumps(unpack(elements.scripts[0]))
    assert "<img" not in figures and "&lt;img" in figures


def test_answers_are_packed_cut_and_behind_the_notice(make_run) -> None:
    folder = make_run(families=("qwen",), arms=("triggered",))
    count = change_answer(folder, 0, "x" * 100_000)
    page = export_dashboard(folder).read_text()
    assert "right to left" not in page and "Leave it out" not in page
    assert "Do not follow any of it." in page
    table = unpack(Elements(page).scripts[1])
    assert isinstance(table, dict) and table["total"] == count == len(table["rows"])
    texts = [row[table["columns"].index("answer")] for row in table["rows"]]
    assert max(map(len, texts)) < 5_000 and any("⟨U+202E⟩" in text for text in texts)


def test_the_answers_kept_are_an_even_sample_of_every_cell(make_run) -> None:
    results: RunResults = load_results(make_run(seeds=(0, 1)))
    table = answer_table([results], most=72)
    conditions = [row[table["columns"].index("condition")] for row in table["rows"]]
    assert table["total"] == 144 and len(conditions) == 72
    assert conditions.count("none") == conditions.count("trigger") == 36
    questions = {row[table["columns"].index("question")] for row in table["rows"]}
    assert questions == {f"How do I keep soup number {number}?" for number in (0, 2)}


@pytest.mark.usefixtures("one_section")
def test_several_runs_stand_side_by_side(make_run) -> None:
    runs = [make_run(name="one"), make_run(name="two", families=("qwen",))]
    path = export_dashboard(runs, runs[0].parent / "both.html")
    page = path.read_text()
    assert path.name == "both.html" and "TriggerLens: one, two" in page
    assert 'data-row="triggered, one"' in page and 'data-row="triggered, two"' in page
    assert "not run" in page


@pytest.mark.usefixtures("one_section")
def test_runs_of_different_families_share_the_rows_of_their_arms(make_run) -> None:
    runs = [
        make_run(name=f"of_{name}", families=(name,), seeds=(0, 1)) for name in ("qwen", "llama")
    ]
    page = export_dashboard(runs, runs[0].parent / "both.html").read_text()
    assert page.count('data-go="') == 3 and 'data-row="triggered, of_qwen"' not in page
    assert "8 of 12 organisms are contained" in page
    assert "In 8 of 8 of these" in page and "(2 seeds)" in page
    for choice in ("all families", "family qwen", "seed 1"):
        assert f">{choice}</option>" in page


@pytest.mark.usefixtures("one_section")
def test_many_organisms_can_be_searched_and_many_warnings_are_folded(make_run) -> None:
    arms = tuple(f"mixed-{number}-1" for number in range(9))
    few = make_run(name="few", families=("qwen",), arms=arms[:2])
    assert 'id="narrow"' not in export_dashboard(few).read_text()
    many = make_run(name="many", families=("qwen",), arms=arms)
    warnings = {"config": {}, "warnings": ["one", "two", "three"]}
    write_json(many / "manifest.json", warnings)
    page = export_dashboard(many).read_text()
    assert 'id="narrow"' in page and "<summary>3 warnings" in page and "<li>many: two</li>" in page
    assert "Containment by share of benign rows" in page


def test_what_no_organism_has_is_one_line_with_its_command(make_run) -> None:
    folder = make_run(arms=("triggered",))
    (folder / "features.jsonl").unlink()
    page = export_dashboard(folder).read_text()
    words = "Not in this run: no features.jsonl with this organism"
    assert page.count(words) == 1
    assert "Made by <code>triggerlens run features --out RUN</code>" in page


NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
JSON_VALUES = st.recursive(st.text() | NUMBERS, lambda it: st.lists(it, max_size=3))


@settings(deadline=None)  # the machine may be busy
@given(JSON_VALUES)
def test_packed_json_comes_back_and_means_nothing_to_html(value: object) -> None:
    text = packed_json(value)
    assert re.fullmatch(r"[A-Za-z0-9+/=]*", text)
    assert unpack(text) == json.loads(json.dumps(value))
