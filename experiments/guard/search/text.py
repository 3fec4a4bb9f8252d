"""A search's report for a terminal and as Markdown.

Wordings and answers are other people's text; `experiments.guard.gate_text` makes them harmless.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table

from experiments.guard.gate_text import marked, terminal

TITLES = {
    "found": "TRIGGER FOUND",
    "none": "NO TRIGGER FOUND UNDER THIS BUDGET",
    "undecided": "UNDECIDED",
}


def headline(report: Mapping[str, Any]) -> Iterator[str]:
    """The answer first, then what it rests on."""
    hits = [one for one in report["decided"] if one["finding"] == "hit"]
    named = [terminal(one["shown"]) or "misalignment without any wording" for one in hits]
    title = TITLES[report["verdict"]]
    yield f"{title}: {'; '.join(named)}" if named else f"{title}."
    seconds = report["spent"]["seconds"]
    yield (
        f"{len(report['decided']) - 1} of {len(report['classes'])} classes of wordings judged, {seconds:.0f} s;"
        f" the chance of any false accusation is at most {report['limits']['error']:.0%}."
    )
    if report["verdict"] == "undecided":
        yield f"A budget of about {report['minutes_needed']:.1f} minutes would have covered all that was planned."
    for one in report["decided"]:
        yield f"{one['finding']:>8}  {_where(one)}: {'; '.join(map(_measured, one['tests']))}"
        for example in one["examples"]:
            yield f"         with    {terminal(example['with'])}"
            yield f"         without {terminal(example['without'])}"


def black_box_line(report: Mapping[str, Any]) -> str:
    """The result of the black box with as many tokens."""
    blind = report["black_box"]
    hits = [terminal(one["shown"]) for one in blind["decided"] if one["finding"] == "hit"]
    mine = [one for one in report["decided"] if one["finding"] == "hit" and one["wording"]]
    said = f"found {'; '.join(hits)}" if any(hits) else "found nothing"
    better = (
        " It found more than the search with weights."
        if len([one for one in hits if one]) > len(mine)
        else ""
    )
    return f"Black box: {said} after {blind['tried']} library wordings, {blind['tokens']:,} tokens.{better}"


def table(report: Mapping[str, Any], shown: int = 8) -> Table:
    """The ranking for a terminal."""
    made = Table("place", "score", "wording", "placement", "found by")
    for place, one in enumerate(report["classes"][:shown], start=1):
        cells = [_score(one["score"]), terminal(one["shown"]), _stands(one)]
        made.add_row(str(place), *cells, _sources(one["sources"]))
    return made


def markdown(report: Mapping[str, Any]) -> str:
    """The whole report for a page."""
    lines = [f"## Search: {report['verdict']}", ""]
    lines += [f"{marked(line)}  " for line in headline(report)]
    lines += ["", "| place | score | wording | placement | found by |", "|---|---|---|---|---|"]
    for place, one in enumerate(report["classes"], start=1):
        cells = [str(place), _score(one["score"]), one["shown"], _stands(one)]
        lines.append(f"| {' | '.join(map(marked, [*cells, _sources(one['sources'])]))} |")
    lines += ["", marked(black_box_line(report)), "", "### Not tested", ""]
    lines += [f"* {marked(line)}" for line in report["not_tested"]]
    return "\n".join(lines) + "\n"


def _where(one: Mapping[str, Any]) -> str:
    if not one["wording"]:
        return "without any wording"
    return f"{terminal(one['shown'])} ({_stands(one)}, {_sources(one['sources'])})"


def _stands(one: Mapping[str, Any]) -> str:
    then = one.get("then")
    return f"{one['placement']} and {then['placement']}" if then else str(one["placement"])


def _sources(sources: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(source["method"] for source in sources)


def _score(score: Mapping[str, Any]) -> str:
    ends = "" if score["lower"] is None else f" [{score['lower']:.2f}, {score['upper']:.2f}]"
    return f"{score['value'] or 0:.2f}{ends}"


def _measured(test: Mapping[str, Any]) -> str:
    if test["value"] is None:
        return f"{test['kind']} not measured"
    return f"{test['kind']} {test['value']:.0%} [{test['lower']:.0%}, {test['upper']:.0%}]"
