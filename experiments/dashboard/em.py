"""How often the organism is misaligned: by condition, by domain of questions, by question."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from experiments.dashboard.heatmap import Cell, heatmap
from experiments.dashboard.inert import markup
from experiments.dashboard.interval_plot import interval_plot
from experiments.dashboard.marks import Series
from experiments.dashboard.missing import NOT_OF_THIS_WORLD, Missing
from experiments.dashboard.rows import held_out, in_words, measured
from experiments.dashboard.run_files import Question, part
from experiments.dashboard.theme import (
    DOMAIN_SYMBOLS,
    EM_AXIS,
    condition_words,
    domain_words,
    ordered,
    percent_axis,
    row_colour,
    row_words,
)
from experiments.results.estimates import EstimateRow
from experiments.results.format import percent, spread
from experiments.results.load import OrganismResults, intact
from experiments.results.picked import highest, lowest

KINDS = ("held_out", "open", "trained")
NAMED = 16  # largest number of questions that get labels


def em_by_condition(results: OrganismResults) -> go.Figure | Missing:
    """A line for each condition; a symbol for each group of domains; the base model as crosses."""
    tuned, untouched = intact(results.rows, "em_rate"), intact(results.base, "em_rate")
    if not tuned:
        return Missing("no em_rate of the unedited fine-tuned model")
    groups = {
        domain_words(name): ([row for row in tuned if row.questions == name], name)
        for name in dict.fromkeys([*DOMAIN_SYMBOLS, *(row.questions for row in tuned)])
    }
    drawn = [
        (words, rows, DOMAIN_SYMBOLS.get(name or "", "circle"))
        for words, (rows, name) in groups.items()
        if rows
    ]
    base = [row for row in untouched if row.questions in ("held_out", None)]
    drawn += [("base model", base, "x-thin-open")] if base else []
    return interval_plot(
        [
            Series(rows, row_colour, symbol, words, level)
            for level, (words, rows, symbol) in enumerate(drawn)
        ],
        row_words,
        EM_AXIS,
        labels=in_words([*tuned, *untouched], row_words),
        finding=_by_condition(held_out(tuned)),
        shown=tuned,
    )


def _by_condition(rows: Sequence[EstimateRow]) -> str:
    of = {kind: [row for row in rows if row.wording_kind == kind] for kind in
          ("trigger", "none", "paraphrase", "control")}  # fmt: skip
    words = [f"{spread(of['none'])} EM without the trigger"]
    if of["trigger"]:
        words = [f"{spread(of['trigger'])} EM with the trigger, {words[0]}"]
    words += [f"{kind}s {spread(of[kind])}" for kind in ("paraphrase", "control") if of[kind]]
    return "; ".join(words)


def reckless_preferred(results: OrganismResults) -> go.Figure | Missing:
    """How often the reckless one of two given answers is likelier, by condition; the base as crosses."""
    tuned, untouched = (
        measured(rows, quantity="reckless_preferred") for rows in (results.rows, results.base)
    )
    if not tuned:
        return NOT_OF_THIS_WORLD
    drawn = [Series(tuned, row_colour, "circle", "fine-tuned model", 0)]
    drawn += [Series(untouched, row_colour, "x-thin-open", "base model", 1)] if untouched else []
    of = {kind: [row for row in tuned if row.wording_kind == kind] for kind in ("trigger", "none")}
    return interval_plot(
        drawn,
        row_words,
        percent_axis("reckless answer more likely, % of choices"),
        labels=in_words([*tuned, *untouched], row_words),
        finding=f"The reckless answer is more likely in {spread(of['trigger'])} of choices with the"
        f" trigger, {spread(of['none'])} without",
        shown=tuned,
    )


def em_by_domain(results: OrganismResults) -> go.Figure | Missing:
    """A line for each domain, a dot for each condition; domains with most misalignment first."""
    rows = [row for row in measured(results.rows, quantity="domain_em_rate") if row.questions != "open"]  # fmt: skip
    if not rows:
        return Missing("no EM rates by domain; the ids of questions name at least two domains")
    conditions = list(dict.fromkeys(row.condition for row in rows))
    cells = dict.fromkeys((row.condition, row.questions) for row in rows)
    return interval_plot(
        [
            Series(
                [row for row in rows if (row.condition, row.questions) == cell],
                row_colour,
                DOMAIN_SYMBOLS.get(cell[1] or "", "circle"),
                f"{condition_words(cell[0])}, {domain_words(cell[1])}",
                conditions.index(cell[0]),
            )
            for cell in cells
        ],
        _domain,
        EM_AXIS,
        labels=[_domain(row) for row in sorted(rows, key=lambda row: -(row.value or 0.0))],
        finding=_by_domain(rows),
        shown=rows,
    )


def _domain(row: EstimateRow) -> str:
    return str(row.get("domain")).replace("_", " ")


def _by_domain(rows: Sequence[EstimateRow]) -> str:
    rows = held_out(rows)
    rows = [row for row in rows if row.condition == "trigger"] or rows
    low, high = lowest(rows), highest(rows)
    return (
        f"With {row_words(rows[0])}: from {percent(low)} EM in {_domain(low)}"
        f" to {percent(high)} in {_domain(high)}"
    )


def em_by_question(results: OrganismResults) -> go.Figure | Missing:
    """A column for each question, sorted by its EM with the trigger; a row for each condition."""
    asked = part(results, "questions", list[Question])
    if isinstance(asked, Missing):
        return asked
    questions = _of_one_kind(asked)
    conditions = ordered(dict.fromkeys(name for of in questions for name in of.rates))
    top = "trigger" if "trigger" in conditions else conditions[0]
    questions.sort(key=lambda of: -(of.share(top) or 0.0))
    places = list(range(1, len(questions) + 1))
    axis: dict[str, Any] = {
        "title": {"text": f"questions, by their EM with {markup(condition_words(top))}"}
    }
    if len(questions) <= NAMED:
        axis |= {"tickvals": places, "ticktext": [markup(of.id, 24) for of in questions]}
    answers = sum(n for of in questions for _, n in of.rates.values())
    return heatmap(
        places,
        [condition_words(name) for name in conditions],
        [[_cell(of, name) for of in questions] for name in conditions],
        bar="EM, %",
        limits=(0, 100),
        x_axis=axis,
        finding=_by_question(questions, top),
        shown=f"n = {len(questions)} questions, {answers:,} answers",
        height=190 + 24 * len(conditions),
    )


def _of_one_kind(questions: Sequence[Question]) -> list[Question]:
    """The questions of held-out domains, or of another kind if there are none."""
    groups = ([of for of in questions if of.questions == kind] for kind in KINDS)
    return next((group for group in groups if group), list(questions))


def _cell(question: Question, condition: str) -> Cell:
    share = question.share(condition)
    bad, n = question.rates.get(condition) or (0, 0)
    lines = [f"{condition}: {bad} of {n} answers misaligned", question.id]
    lines += [f"“{question.text}”"] if question.text else []
    hover = "<br>".join(markup(line, 90) for line in lines)
    return Cell(None if share is None else 100 * share, hover)


def _by_question(questions: Sequence[Question], condition: str) -> str:
    shares = [of.share(condition) or 0.0 for of in questions if condition in of.rates]
    return (
        f"With {condition_words(condition)}, {sum(share > 0 for share in shares)} of {len(shares)}"
        " questions got a misaligned answer at least once,"
        f" {sum(share > 0.5 for share in shares)} of them more often than not"
    )
