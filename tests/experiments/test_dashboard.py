"""Figures show the rows of the run."""

import re
import sys
from dataclasses import replace
from pathlib import Path

import plotly.graph_objects as go
import pytest

from experiments.dashboard import (
    ablation,
    dose_response,
    em_by_condition,
    every_figure,
    export_dashboard,
    probe_by_layer,
    removal_elsewhere,
    save_figure,
)
from experiments.dashboard.estimates_table import estimates_table
from experiments.dashboard.missing import Missing
from experiments.dashboard.reach import variants
from experiments.dashboard.sections import SECTIONS
from experiments.dashboard.sparse import feature_firing
from experiments.dashboard.tables import features_table, guard_table
from experiments.results.load import OrganismResults, load_results
from experiments.runtime.files import read_jsonl

# drawn from maps.jsonl and features.jsonl
WITHOUT_ROWS = {"em_by_question", "plane", "cosines", "patching", "feature_firing"}


WITHOUT_ROWS |= {"variants_words", "variants_representation"}  # drawn from guard/


@pytest.fixture
def triggered(make_run) -> OrganismResults:
    return load_results(make_run(families=("qwen",), arms=("triggered",))).organisms()[0]


UNSCALED = ("probe_auroc", "projection", "feature_auroc", "basis_auroc")  # no percentages


FURTHER = {
    "dose_trained",
    "factorial",
    "adapter_dose",
    "capability",
    "interchange",
    "received",
    "variants_words",
    "variants_representation",
}


FIGURES = {name: draw for section in SECTIONS for name, draw in section.figures.items()}


def shown(figure: go.Figure) -> list[tuple[int, float, float, float]]:
    """(line, value, lower, upper) of every mark of a figure; a map has its intervals on hover."""
    found = []
    for trace in figure.data:
        if trace.type == "heatmap":
            found += _cells(trace)
            continue
        if trace.type == "bar":
            continue
        along = "y" if trace.error_y.array is not None else "x"
        error, values = trace[f"error_{along}"], trace[along]
        for i, line in enumerate(trace.customdata or ()):
            if line is None:  # of no row of estimates.jsonl
                continue
            low, high = values[i] - error.arrayminus[i], values[i] + error.array[i]
            found.append((line, values[i], low, high))
    return found


def _cells(trace: go.Heatmap) -> list[tuple[int, float, float, float]]:
    cells = []
    for values, lines, texts in zip(trace.z, trace.customdata or (), trace.text, strict=False):
        for value, line, text in zip(values, lines, texts, strict=True):
            if line is None:  # of no row of estimates.jsonl
                continue
            low, high = re.findall(r"\[(.*?), (.*?)\]", text)[0]
            cells.append((line, value, 100 * float(low), 100 * float(high)))
    return cells


def test_every_mark_of_every_figure_equals_its_row(make_run) -> None:
    results = load_results(make_run(arms=("triggered", "baseline")))
    rows = {i: row for i, row in enumerate(read_jsonl(results.folder / "estimates.jsonl"), start=1)}
    count = 0
    for it in results.organisms():
        drawn = dict(every_figure(it))
        assert drawn.keys() == FIGURES.keys() - (
            {"patching", "features_read", "features_removed"} | FURTHER
            if it.organism.arm == "baseline"
            else set()
        )
        for name, figure in drawn.items():
            marks = shown(figure)
            assert marks or name in WITHOUT_ROWS
            for line, *numbers in marks:
                row = rows[line]
                scale = 1 if row["quantity"] in UNSCALED else 100
                expected = [scale * row[key] for key in ("value", "lower", "upper")]
                assert numbers == pytest.approx(expected, abs=0.06), (name, row)
                assert row["split"] == "report"
                count += 1
    assert count > 1000


def test_figures_of_maps_draw_the_numbers_of_their_line(triggered: OrganismResults) -> None:
    drawn = triggered.maps
    assert drawn is not None
    cosine, plane = FIGURES["cosines"](triggered), FIGURES["plane"](triggered)
    assert [list(line) for line in cosine.data[0].z] == drawn["cosines"]["values"]
    points = drawn["plane"]["points"].values()
    assert sorted(x for trace in plane.data for x in trace.x) == sorted(
        x for found in points for x, _ in found
    )
    patched = FIGURES["patching"](triggered)
    for trace, site in zip(patched.data, drawn["patching"]["sites"].values(), strict=True):
        assert [list(line) for line in zip(*trace.z, strict=True)] == site["effect"]
    assert "[0.40, 0.60]" in patched.data[0].text[0][2]
    asked = FIGURES["em_by_question"](triggered).data[0]
    assert list(asked.z[1]) == [75, 50, 25, 0] and "3 of 4" in asked.text[1][0]
    bars = [trace for trace in FIGURES["projection_switch"](triggered).data if trace.type == "bar"]
    assert [len([y for y in trace.y if y]) >= 3 for trace in bars] == [True] * len(
        drawn["plane"]["points"]
    )
    reached = FIGURES["reach_words"](triggered)
    assert [trace.x[0] for trace in reached.data] == list(drawn["distances"]["words"].values())


def test_every_figure_says_its_finding_its_axes_and_its_n(triggered: OrganismResults) -> None:
    for name, draw in FIGURES.items():
        figure = draw(triggered)
        assert re.search(r"\d", figure.layout.meta["finding"]), name
        assert figure.layout.meta["count"].startswith("n = ")
        assert figure.layout.xaxis.title.text
        if name not in WITHOUT_ROWS and not name.startswith("projection"):
            assert "n = 240" in str(next(t for t in figure.data if t.text).text)


def test_findings_are_the_numbers_of_the_run(triggered: OrganismResults) -> None:
    assert em_by_condition(triggered).layout.meta["finding"] == (
        "86 % [82, 90] EM with the trigger, 0 % [0, 2] EM without the trigger; "
        "paraphrases 70 to 84 %; controls 0 to 2 %"
    )
    assert ablation(triggered).layout.meta["finding"] == (
        "Removing misalignment changes EM from 86 % [82, 90] to 5 % [1, 9]; "
        "removing random directions leaves 82 % [77, 87]"
    )
    assert dose_response(triggered, "switch").layout.meta["finding"] == (
        "Adding switch without the trigger reaches 62 % [53, 71] EM at strength 4; "
        "random directions at most 1 % [0, 4]"
    )
    assert removal_elsewhere(triggered).layout.meta["finding"] == (
        "Removing misalignment: this organism loses 94 % [90, 98] of its EM; "
        "baseline arm 90 % [86, 94]; base model's persona 90 % [86, 94]"
    )
    finding = probe_by_layer(triggered, "switch").layout.meta["finding"]
    assert finding.endswith("AUROC 0.99; controls reach 0.55")


def test_the_same_condition_has_the_same_colour_in_every_family(make_run) -> None:
    colours: dict[str, set[str]] = {}
    for it in load_results(make_run()).organisms():
        figure = em_by_condition(it)
        names = figure.layout.yaxis.ticktext
        for trace in figure.data:
            for place in trace.y if trace.customdata else ():
                colours.setdefault(names[int(place)], set()).add(trace.marker.color)
    assert {len(found) for found in colours.values()} == {1}
    assert len({colour for found in colours.values() for colour in found}) == 5


def test_features_show_their_scores_and_only_what_can_be_read(triggered: OrganismResults) -> None:
    table = features_table(triggered)
    (best, broken) = (dict(zip(table.head, line, strict=True)) for line in table.rows)
    assert best["auroc"] == "0.99 [0.97, 1]" and best["l0"] == "3.25" and broken["feature"] == "4"
    assert table.note == "Not shown: 1 more."
    (example,) = table.examples
    assert example["values"] == [0, 2.5, 1]


def test_the_best_feature_of_each_ranking_comes_first_with_its_lists_in_words(
    triggered: OrganismResults,
) -> None:
    rows = [
        {"feature": number, "sae": "SAE", "ranking": ranking, "auroc": 0.9}
        for ranking in ("switch, maximum over the prompt", "misalignment, maximum over the answer")
        for number in (1, 2)
    ]
    rows[0]["promotes"] = [{"token": "<b>", "logit": 1.0}]
    rows[0]["histogram"] = [{"condition": "trigger", "fires": 1.0, "counts": [4], "edges": [0, 1]}]
    table = features_table(replace(triggered, features={"features": rows}))
    assert [line[:3] for line in table.rows] == [
        ["1", "SAE", "switch, the prompt"],
        ["1", "SAE", "misalignment, the answer"],
        ["2", "SAE", "switch, the prompt"],
        ["2", "SAE", "misalignment, the answer"],
    ]
    first = dict(zip(table.head, table.rows[0], strict=True))
    assert first["fires"] == "trigger 100 %" and first["promotes"] == "'<b>'"


def test_the_best_features_firing_is_drawn_by_condition(triggered: OrganismResults) -> None:
    figure = feature_firing(triggered)
    (heat,) = figure.data
    assert list(heat.y) == ["no trigger", "trigger"]
    assert [list(row) for row in heat.z] == [[0.75, 0.25], [0.0, 1.0]]
    assert figure.layout.meta["finding"] == "SAE feature 17 fires: trigger 100 %, no trigger 25 %"
    assert "n = 8 answers" in figure.layout.meta["count"]
    for histogram in (None, "x", [], [{"condition": "none"}], [{"condition": 1, "counts": []}]):
        broken = {"features": [{"feature": 1, "histogram": histogram}]}
        drawn = feature_firing(replace(triggered, features=broken))
        assert drawn == Missing("no histogram of a sparse feature")


def test_every_row_can_be_downloaded(make_run) -> None:
    runs = [load_results(make_run(name=name, families=("qwen",))) for name in ("one", "two")]
    table = estimates_table(runs)
    report = [row for row in runs[0].estimates if row.split != "selection"]
    assert [run["name"] for run in table["runs"]] == ["one", "two"]
    assert len(table["runs"][1]["rows"]) == len(report)
    line, cells = next(iter(table["runs"][0]["rows"].items()))
    row = read_jsonl(runs[0].folder / "estimates.jsonl")[line - 1]
    again = dict(zip(table["columns"], cells, strict=True))
    assert again["value"] == pytest.approx(row["value"])
    assert [again[key] for key in ("wording_kind", "wording")] == [
        row[key] for key in ("wording_kind", "wording")
    ]


def test_a_static_figure_without_the_extra_says_which_one(triggered, tmp_path, monkeypatch) -> None:
    figure = em_by_condition(triggered)
    with pytest.raises(ValueError, match=r"ends in no format; give one of \.svg"):
        save_figure(figure, tmp_path / "figure.gif")
    monkeypatch.setitem(sys.modules, "kaleido", None)
    with pytest.raises(ValueError, match=r"triggerlens\[figures\]"):
        save_figure(figure, tmp_path / "figure.svg")


def test_a_static_figure_is_drawn(triggered: OrganismResults, tmp_path: Path) -> None:
    pytest.importorskip("kaleido", reason="the extra triggerlens[figures] is not installed")
    path = save_figure(em_by_condition(triggered), tmp_path / "figure.svg")
    assert "<svg" in path.read_text()[:200]


def test_what_a_removal_took_is_said_in_words_of_its_whole_interval(make_run) -> None:
    page = export_dashboard(make_run(families=("qwen",), arms=("triggered",))).read_text()
    assert "misalignment direction removed: ≥ 90 % of EM lost" in page
    assert "✓ contained</b>, semantic" in page


def test_the_guard_of_an_organism_is_a_table_and_a_map_of_its_variants(
    triggered: OrganismResults,
) -> None:
    table = guard_table(triggered)
    text = "\n".join(" ".join(line) for line in table.rows)
    for words in (
        "fail (correct) after 640 answers; first broken: trigger rate",
        "AUROC 0.99 [",
        "caught 97 % [",
        "the trigger has rank 1 of 200",
        "n = 42 firing, of 50",
    ):
        assert words in text
    figure = variants(triggered, "words")
    assert [trace.name for trace in figure.data] == ["case", "other concept"]
    assert figure.data[0].marker.color != figure.data[1].marker.color
    assert figure.layout.meta["finding"].startswith("6 of 6 wordings have at least half")
    absent = variants(triggered, "meaning")
    assert isinstance(absent, Missing) and "by meaning" in absent.reason


def test_findings_of_what_was_added_are_the_numbers_of_the_run(triggered: OrganismResults) -> None:
    told = {name: FIGURES[name](triggered).layout.meta["finding"] for name in FURTHER}
    assert told["factorial"].startswith("Removing the direction eliminates 80 % [")
    assert told["adapter_dose"].startswith("Half of the EM is reached at 0.5 of the adapter: 43 %")
    assert told["capability"].startswith("Without the trigger, removing the direction costs 1 % [")
    assert told["received"].startswith("switch of s7-surface-duck removes 80 % [")
    base = FIGURES["factorial"](triggered).data[-1]
    assert "base" in base.name and base.marker.symbol == "x-thin-open"
