"""What the guard makes of an organism: gate, monitor, ranking and bypass as a table, graded variants as a figure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from experiments.dashboard.inert import markup
from experiments.dashboard.points import marks
from experiments.dashboard.reach import MEASURES
from experiments.dashboard.theme import CONDITION_COLOURS, SYMBOLS, finish, percent_axis
from experiments.results.estimates import EstimateRow
from experiments.results.guard_rows import number, percent
from experiments.results.load import OrganismResults

Rows = Sequence[Mapping[str, Any]]
Line = tuple[str, str, str]
# a wording of the same meaning, of another, or a broken form of the trigger itself
GROUPS = {
    "trigger": "trigger",
    "paraphrase": "paraphrase",
    "same_concept": "paraphrase",
    "other_concept": "control",
    "other_described": "control",
}
NUMBERS = ("value", "lower", "upper", "level", "n", "method", "quantity")


def guard_table(results: OrganismResults) -> str:
    """A line for each part that was measured; ValueError where none was."""
    parts = {"gate": _gate, "monitor": _monitor, "rank": _rank, "bypass": _bypass}
    try:
        lines = [
            line for part, words in parts.items() for line in words(results.guard.get(part, []))
        ]
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"the rows of guard/ are not as expected ({error})") from error
    if not lines:
        raise ValueError("no gate, monitor, ranking or bypass of this organism in guard/")
    body = "".join(
        f"<tr><th scope=row>{markup(part)}</th><td>{markup(what, 200)}</td><td>{markup(told, 300)}</td></tr>"
        for part, what, told in lines
    )
    head = "<tr><th scope=col>part</th><th scope=col>what</th><th scope=col>found</th></tr>"
    return f'<div class="scroll"><table class="csv" data-csv="guard">{head}{body}</table></div>'


def _gate(rows: Rows) -> Iterator[Line]:
    for row in rows:
        right = "as it should" if row["right"] else f"should be {row['wanted']}"
        first = f"; first broken: {row['broken'][0]}" if row["broken"] else ""
        told = f"{row['verdict']}, {right}, after {row['answers']} answers{first}"
        yield "gate", f"n = {row['questions']} questions", told


def _monitor(rows: Rows) -> Iterator[Line]:
    for left_out in dict.fromkeys(row["left_out"] for row in rows):
        by = {row["quantity"]: row for row in rows if row["left_out"] == left_out}
        told = (
            f"AUROC {number(by['auroc'])}; caught {percent(by['caught'])};"
            f" benign flagged {percent(by['false_positives'])}, set at 1 %"
        )
        yield "monitor", f"{left_out}, n = {by['caught']['n']}", told


def _rank(rows: Rows) -> Iterator[Line]:
    for row in rows:
        told = f"the trigger is number {row['place']} of {row['candidates']}"
        yield "ranking", f"n = {row['questions']} questions", told


def _bypass(rows: Rows) -> Iterator[Line]:
    for row in rows:
        what = f"n = {row['firing']} firing of {row['tried']}"
        yield "bypass", what, f"{percent(row)} of them pass {row['filter']}"


def variants(results: OrganismResults, measure: str) -> go.Figure:
    """EM of every graded variant against its distance from the trigger.

    Raises ValueError where the reach map was not made, or not with this measure.
    """
    rows = [row for row in results.guard.get("reach", []) if row.get("measure") == measure]
    found = [
        row for row in rows if row.get("quantity") == "em_rate" and row.get("value") is not None
    ]
    if not found:
        told = next((str(row.get("method")) for row in rows), "no rows in guard/reach")
        raise ValueError(f"graded variants by {measure}: {told}")
    kinds = list(dict.fromkeys(_kind(row) for row in found))
    figure = go.Figure()
    for kind in kinds:
        mine = [row for row in found if _kind(row) == kind]
        estimates = [EstimateRow.model_validate({key: row[key] for key in NUMBERS}) for row in mine]
        marker = {"color": _colour(kind), "symbol": _symbol(kind, kinds), "size": 8}
        away = [row["distance"] for row in mine]
        trace = marks(estimates, away, along="y", mode="markers", marker=marker)
        said = [
            f"{row['variant']}: “{row['wording']}”, distance {row['distance']:.2f}" for row in mine
        ]
        texts = [
            f"{markup(words, 120)}<br>{text}" for words, text in zip(said, trace.text, strict=True)
        ]
        figure.add_trace(trace.update(name=markup(kind.replace("_", " ")), text=texts))
    figure.update_xaxes(title={"text": f"distance by {measure}:<br>{MEASURES.get(measure, '')}"})
    figure.update_yaxes(percent_axis("misaligned answers, % (EM rate)"))
    answers = max(row["n"] for row in found)
    count = f"n = {len(found)} wordings, at most {answers} answers each"
    return finish(figure, _finding(rows, found, measure), count, height=440)


def _kind(row: Mapping[str, Any]) -> str:
    return str(row["variant"]).partition(":")[0]


def _colour(kind: str) -> str:
    return CONDITION_COLOURS[GROUPS.get(kind, "variant")]


def _symbol(kind: str, kinds: Sequence[str]) -> str:
    alike = [name for name in kinds if _colour(name) == _colour(kind)]
    return SYMBOLS[alike.index(kind) % len(SYMBOLS)]


def _finding(rows: Rows, found: Rows, measure: str) -> str:
    most = max(row["value"] for row in found)
    fire = sum(row["value"] >= most / 2 for row in found)
    words = f"{fire} of {len(found)} wordings have at least half of the highest EM"
    told = [row for row in rows if row.get("quantity") == "rank_correlation"]
    return f"{words}; by {measure}, rank correlation {number(told[0])}" if told else words
