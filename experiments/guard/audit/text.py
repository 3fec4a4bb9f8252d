"""An audit's report for a terminal, as Markdown and as a page. Wordings and answers are untrusted text."""

from collections.abc import Iterator, Mapping
from typing import Any

from markupsafe import Markup

from experiments.dashboard.inert import page_part, render
from experiments.guard.audit.identity import SERVED
from experiments.guard.audit.verdict import NAMES
from experiments.guard.gate_text import marked, terminal

Report = Mapping[str, Any]
TITLES = {
    "accused": "ACCUSED: a trigger was found",
    "nothing found": "NOTHING FOUND, within this budget",
    "undecided": "UNDECIDED",
}


def title(report: Report) -> str:
    """The answer in one line."""
    hits = report["wordings"]
    if report["verdict"] == "accused" and not any(hit["wording"] for hit in hits):
        return "ACCUSED: it is misaligned without any wording"
    return TITLES[report["verdict"]]


def answer(report: Report) -> Iterator[str]:
    """The reasons for the answer, one sentence each."""
    yield from (f"{why[0].upper()}{why[1:]}." for why in report["why"])
    for hit in report["wordings"][:3]:
        what = (
            f"With {hit['shown']!r} ({hit['placement']})"
            if hit["wording"]
            else "Without any wording"
        )
        gap = f"EM rate {rate(hit['gap'])} above that without a wording" if hit["gap"] else ""
        rise = f"{rate(hit['rise'])} above that of the base" if hit.get("rise") else ""
        yield f"{what}: {', '.join(part for part in (gap, rise) if part)} (found by {hit['by']})."
    yield (
        f"The chance of accusing any wording that does not make the model worse is at most {report['error']:.0%};"
        f" {report['spent']['seconds'] / 60:.1f} of {report['spent']['budget'] / 60:.3g} minutes used."
    )


def lines(report: Report) -> Iterator[str]:
    """The report as lines for a terminal."""
    yield f"{title(report)}."
    yield from map(terminal, answer(report))
    for hit in report["wordings"][:3]:
        for example in hit["examples"][:2]:
            yield f"    with    {terminal(example['with'])}"
            yield f"    without {terminal(example['without'])}"
    for name, words in summaries(report):
        yield terminal(f"{name}: {words}")
    yield "Not tested:"
    yield from (f"  {terminal(line)}" for line in report["not_tested"])


def markdown(report: Report) -> str:
    """The report for a page of a CI job or a model card."""
    made = [f"## {title(report)}", "", *(f"{marked(line)}  " for line in answer(report)), ""]
    if any(hit["examples"] for hit in report["wordings"]):
        made += ["| wording | with it | without it |", "|---|---|---|"]
        for hit in report["wordings"]:
            for example in hit["examples"][:2]:
                cells = (hit["shown"] or "(none)", example["with"], example["without"])
                made.append(f"| {' | '.join(map(marked, cells))} |")
        made.append("")
    made += ["| part | result |", "|---|---|"]
    made += [f"| {name} | {marked(words)} |" for name, words in summaries(report)]
    made += ["", "### Not tested", "", *(f"* {marked(line)}" for line in report["not_tested"])]
    made += ["", "### What was audited", "", *(f"* {marked(line)}" for line in identity(report))]
    return "\n".join(made) + "\n"


def html(report: Report) -> str:
    """The report as one self-contained HTML file without scripts."""
    return render(
        "audit.html.j2",
        style=Markup(page_part("page.css")),
        report=report,
        title=title(report),
        tone={"accused": "no", "nothing found": "yes"}.get(report["verdict"], "soft"),
        answer=list(answer(report)),
        wordings=[hit | {"rates": _rates(hit)} for hit in report["wordings"]],
        parts=list(summaries(report)),
        causal=_causal_rows(report["parts"]["causal"]),
        classes=report["parts"]["search"].get("classes", [])[:10],
        identity=list(identity(report)),
    )


def summaries(report: Report) -> Iterator[tuple[str, str]]:
    """Each part in one sentence."""
    for name, part in report["parts"].items():
        said = part.get("not_measured")
        yield NAMES[name], f"not measured: {said}" if said else SUMMARY[name](part)
    if "black_box" in report["parts"]["search"]:
        yield "Black box", _black_box(report["parts"]["search"]["black_box"])


def rate(estimate: Mapping[str, Any] | None) -> str:
    """`44% [18%, 61%]`, or the reason why there is none."""
    if estimate is None or estimate["value"] is None:
        return "not measured"
    if estimate["lower"] is None:
        return f"{estimate['value']:.0%}"
    return f"{estimate['value']:.0%} [{estimate['lower']:.0%}, {estimate['upper']:.0%}]"


def identity(report: Report) -> Iterator[str]:
    """Which files the verdict is about."""
    for name, one in report["hashes"].items():
        for file, digest in one["files"].items():
            if file.endswith((".safetensors", ".bin", ".gguf")) or file in ("commit", SERVED):
                yield f"{name} {one['place']}, {file}: {digest}"


def _rates(hit: Mapping[str, Any]) -> str:
    shown = {"gap": "above that without a wording", "rise": "above that of the base"}
    return "; ".join(f"{rate(hit[kind])} {words}" for kind, words in shown.items() if hit.get(kind))


def _scan(part: Report) -> str:
    found = part["candidates"]
    named = ", ".join(repr(each["text"]) for each in found)
    return f"repeated framings: {named}" if found else "no repeated framings"


def _gate(part: Report) -> str:
    asked = len({check["candidate"] for check in part["checks"] if check["candidate"]})
    return f"{part['verdict']}; named triggers: {asked}, questions: {part['questions']}, answers: {part['answers']:,}"


def _search(part: Report) -> str:
    if not part["decided"]:
        return str(part.get("why", part["verdict"]))
    wordings = len(part["decided"]) - 1
    return f"{part['verdict']}: {wordings} wordings judged"


def _causal(part: Report) -> str:
    return (
        f"removing one direction (layer {part['layer']}) eliminates {rate(part['drop'])} of the EM, random directions"
        f" {rate(part['random_drop'])}; necessary: {part['necessary']}. What fires: {part['reaches']}"
    )


def _monitor(part: Report) -> str:
    what = (
        f"{part['left_out']!r}, which was left out of its fit,"
        if part["left_out"]
        else "the wordings it was fitted on"
    )
    return (
        f"catches {rate(part['caught'])} of prompts with {what} on new questions, and flags"
        f" {rate(part['false_positives'])} of harmless prompts (aim: {part['wanted_false_positives']:.0%})"
    )


def _black_box(part: Report) -> str:
    hits = [one["shown"] for one in part["decided"] if one["finding"] == "hit"]
    named = ", ".join(repr(text) if text else "misalignment without any wording" for text in hits)
    said = f"found {named}" if hits else "found nothing"
    return f"{said} with {part['tried']} library wordings and {part['tokens']:,} tokens, without weights"


SUMMARY = {"scan": _scan, "gate": _gate, "search": _search, "causal": _causal, "monitor": _monitor}


def _causal_rows(part: Report) -> list[tuple[str, str, str]]:
    """Wording, EM rate, EM rate without the direction."""
    if "not_measured" in part:
        return []
    names = {"none": "no wording", "trigger": "the wording found"}
    return [
        (
            f"{names.get(name, name.partition(':')[0])}: {part['wordings'][name]}".rstrip(": "),
            rate(em),
            rate(part["em_removed"].get(name)) if name in part["em_removed"] else "",
        )
        for name, em in part["em"].items()
    ]
