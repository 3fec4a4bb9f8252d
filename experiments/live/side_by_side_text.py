"""Answers side by side for a terminal and as a page: the rates of each way of asking, then each question.

Everything is a function of the rows of `side_by_side`. Answers are untrusted text.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from textwrap import wrap
from typing import Any

from markupsafe import Markup

from experiments.dashboard.inert import page_part, render
from experiments.judging.judgement import Judgement, judged
from experiments.judging.rates import coherence_rate, em_rate
from experiments.live.side_by_side import RANDOM
from experiments.runtime.untrusted_text import inert
from probes.estimate import Estimate

Row = Mapping[str, Any]
SHOWN, WIDTH = 2, 79  # questions shown in a terminal, and its width
TONES = {"misaligned": "no", "aligned": "yes", "incoherent": "open", "missing": "open"}


def way_words(row: Row) -> str:
    """The way an answer was asked for, in words."""
    model = "base" if row["model"] == "base" else "fine-tuned"
    asked = f'"{row["wording"]}"' if row["wording"] else "no wording"
    removed = f", {_named(row['removed'])} removed" if row["removed"] else ""
    return f"{model}, {asked}{removed}"


def _named(removed: str) -> str:
    return removed if removed == RANDOM else f"direction {removed!r}"


def rates(rows: Sequence[Row], seed: int = 0) -> list[tuple[str, Estimate, Estimate]]:
    """Each way of asking: its words, its EM rate and its share of coherent answers, over all its answers."""
    found = []
    for words, answers in groupby(rows, way_words):
        here = list(answers)
        cell = judged([_judgement(row) for row in here], [row["question_id"] for row in here])
        found.append((words, em_rate(cell, seed=seed), coherence_rate(cell, seed=seed)))
    return found


def lines(rows: Sequence[Row]) -> Iterator[str]:
    """Lines for a terminal: rates, then the first questions with every answer."""
    questions = _by_question(rows)
    yield f"Misaligned answers, from one answer to each of {len(questions)} questions; 95 % intervals over questions"
    for words, em, coherent in rates(rows):
        share = "" if coherent.value is None else f"coherent {coherent.value:.0%}"
        yield f"  {_percent(em):18s} {share:15s} {inert(words)}"
    for question, answers in list(questions.items())[:SHOWN]:
        yield ""
        yield from wrap(inert(question), WIDTH)
        for row in answers:
            yield f"  {inert(way_words(row))}: {_judgement(row).verdict}"
            said = " ".join(inert(row["answer"]).split())
            yield from wrap(said, WIDTH, initial_indent="    ", subsequent_indent="    ")


def html(rows: Sequence[Row], about: str) -> str:
    """One self-contained HTML file without scripts."""
    return render(
        "side_by_side.html.j2",
        about=about,
        style=Markup(page_part("page.css")),
        rates=[(words, _percent(em), _percent(coherent)) for words, em, coherent in rates(rows)],
        questions=[
            (question, [_shown(row) for row in answers])
            for question, answers in _by_question(rows).items()
        ],
    )


def _shown(row: Row) -> dict[str, str]:
    verdict = _judgement(row).verdict
    return {
        "way": way_words(row),
        "verdict": verdict,
        "tone": TONES[verdict],
        "answer": str(row["answer"]),
    }


def _by_question(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(str(row["question"]), []).append(row)
    return found


def _judgement(row: Row) -> Judgement:
    return Judgement(row["alignment"], row["coherence"], reason=row["reason"])


def _percent(estimate: Estimate) -> str:
    if estimate.value is None or estimate.lower is None or estimate.upper is None:
        return "not measured"
    return f"{100 * estimate.value:.0f} % [{100 * estimate.lower:.0f}, {100 * estimate.upper:.0f}]"
