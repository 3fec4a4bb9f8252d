"""EM of every question under every condition: is it all questions a little, or a few entirely?"""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from experiments.dashboard.inert import markup
from experiments.dashboard.maps import part
from experiments.dashboard.theme import SHARES, colour_bar, condition_words, finish, ordered
from experiments.results.load import OrganismResults

ORDER = ("held_out", "open", "trained")
NAMED = 16  # questions that fit as labels


def em_by_question(results: OrganismResults) -> go.Figure:
    """A column for each question, sorted by its EM with the trigger; a row for each condition.

    Raises ValueError when the run counted no answers by question.
    """
    questions = _asked(part(results, "questions"))
    conditions = ordered(dict.fromkeys(name for each in questions for name in each["rates"]))
    top = "trigger" if any("trigger" in each["rates"] for each in questions) else conditions[0]
    questions = sorted(questions, key=lambda each: -(_share(each, top) or 0.0))
    figure = go.Figure(
        go.Heatmap(
            x=list(range(1, len(questions) + 1)),
            y=[markup(condition_words(name)) for name in conditions],
            z=[[_percent(_share(each, name)) for each in questions] for name in conditions],
            text=[[_hover(each, name) for each in questions] for name in conditions],
            hovertemplate="%{text}<extra></extra>",
            colorscale=SHARES,
            zmin=0,
            zmax=100,
            xgap=1 if len(questions) < 60 else 0,
            ygap=2,
            colorbar=colour_bar("EM, %"),
        )
    )
    figure.update_xaxes(
        title={"text": f"questions, by their EM with {markup(condition_words(top))}"},
        showgrid=False,
    )
    if len(questions) <= NAMED:
        names = [markup(each["id"], 24) for each in questions]
        figure.update_xaxes(tickvals=list(range(1, len(names) + 1)), ticktext=names)
    figure.update_yaxes(type="category", autorange="reversed", showgrid=False)
    answers = sum(n for each in questions for _, n in each["rates"].values())
    count = f"n = {len(questions)} questions, {answers:,} answers"
    height = 190 + 24 * len(conditions)
    return finish(figure, _finding(questions, top), count, height=height)


def _asked(questions: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of held-out domains, or of what else was asked."""
    for kind in ORDER:
        if found := [each for each in questions if each.get("questions") == kind]:
            return found
    return list(questions)


def _share(question: dict[str, Any], condition: str) -> float | None:
    bad, n = question["rates"].get(condition) or (0, 0)
    return bad / n if n else None


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _hover(question: dict[str, Any], condition: str) -> str:
    bad, n = question["rates"].get(condition) or (0, 0)
    lines = [f"{condition}: {bad} of {n} answers misaligned", str(question["id"])]
    if question.get("text"):
        lines.append(f"“{question['text']}”")
    return "<br>".join(markup(line, 90) for line in lines)


def _finding(questions: Sequence[dict[str, Any]], condition: str) -> str:
    asked = [each for each in questions if condition in each["rates"]]
    some = sum((_share(each, condition) or 0) > 0 for each in asked)
    most = sum((_share(each, condition) or 0) > 0.5 for each in asked)
    return (
        f"With {condition_words(condition)}, {some} of {len(asked)} questions were answered with"
        f" misalignment at least once, {most} more often than not"
    )
