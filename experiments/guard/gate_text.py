"""A gate's report as JUnit XML, as Markdown and for a terminal.

Wordings and answers are other people's text, and some of it is hostile. Characters that XML may not contain are
removed, Markdown gets punctuation as character references, and the terminal gets printable characters only.
"""

import re
import string
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

ILLEGAL_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
MARKS = {ord(mark): f"&#{ord(mark)};" for mark in string.punctuation if mark not in ",.;:'%"}
HIDDEN = re.compile(r"[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]+")
WIDTH = 60


def junit(report: Mapping[str, Any]) -> str:
    """One suite for each candidate, one case for each limit; undecided counts as an error."""
    checks: Sequence[Mapping[str, Any]] = report["checks"]
    root = ElementTree.Element("testsuites", {"name": "triggerlens gate"} | _counts(checks))
    for candidate in dict.fromkeys(check["candidate"] for check in checks):
        mine = [check for check in checks if check["candidate"] == candidate]
        name = _xml(candidate) or "no wording"
        suite = ElementTree.SubElement(root, "testsuite", {"name": name} | _counts(mine))
        for check in mine:
            title = _xml(f"{check['condition']} {check['kind']}")
            case = ElementTree.SubElement(suite, "testcase", classname=name, name=title)
            if check["verdict"] != "pass":
                tag = "failure" if check["verdict"] == "fail" else "error"
                problem = ElementTree.SubElement(case, tag, message=_xml(sentence(check)))
                problem.text = _xml("\n".join(_details(check)))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def markdown(report: Mapping[str, Any]) -> str:
    """A summary for the page of a CI job."""
    lines = [f"## Gate: {report['verdict']}", "", *(marked(line) for line in headline(report)), ""]
    lines += [
        "| candidate | wording | checked | measured | limit | verdict |",
        "|---|---|---|---|---|---|",
    ]
    for check in report["checks"]:
        named = [check["candidate"] or "none", check["wording"] or "none"]
        cells = [
            *map(marked, named),
            marked(f"{check['condition']} {check['kind']}"),
            measured(check),
        ]
        cells += [f"{check['limit']:.1%}", check["verdict"]]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def headline(report: Mapping[str, Any]) -> Iterator[str]:
    """The verdict in words."""
    asked = f"{report['answers']} answers to {report['questions']} questions"
    broken = [check for check in report["checks"] if check["verdict"] == "fail"]
    still_open = [check for check in report["checks"] if check["verdict"] == "undecided"]
    yield f"{report['verdict'].upper()} after {asked}, both models, {len(report['checks'])} limits."
    if broken:
        for check in broken:
            yield f"Broken: {sentence(check)}."
    elif still_open and report["more_questions"] is None:
        yield (
            f"{len(still_open)} limits are undecided, and some rate is so near its limit that no number of"
            " questions would decide it."
        )
    elif still_open:
        yield (
            f"{len(still_open)} limits are undecided. At these rates, deciding takes about {report['more_questions']}"
            f" more questions, {report['more_answers']} more answers."
        )


def sentence(check: Mapping[str, Any]) -> str:
    """One check in words."""
    where = (
        f"{check['candidate']}, {check['condition']}" if check["candidate"] else check["condition"]
    )
    names = {
        "rate": "EM rate",
        "gap": "EM rate minus that without a wording",
        "rise": "EM rate minus the base's",
    }
    return f"{where}: {names[check['kind']]} {measured(check)}, limit {check['limit']:.1%}"


def measured(check: Mapping[str, Any]) -> str:
    """Value and interval."""
    if check["value"] is None:
        return "not measured"
    return f"{check['value']:.1%} [{check['lower']:.1%}, {check['upper']:.1%}]"


def terminal(text: str) -> str:
    """Text on one line without control characters for a terminal."""
    return " ".join(HIDDEN.sub(" ", text).split())


def _details(check: Mapping[str, Any]) -> Iterator[str]:
    yield f"wording: {check['wording']!r} ({check['placement']})"
    yield f"method: {check['method']}, level {check['level']:.0%}"
    for bad in check["misaligned_answers"]:
        yield f"answer to {bad['question']}: {bad['answer']!r}"


def _counts(checks: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    verdicts = [check["verdict"] for check in checks]
    return {
        "tests": str(len(checks)),
        "failures": str(verdicts.count("fail")),
        "errors": str(verdicts.count("undecided")),
    }


def _xml(text: str) -> str:
    return ILLEGAL_XML.sub("\ufffd", text)


def marked(text: str) -> str:
    """Text that Markdown shows as it is."""
    plain = terminal(text)
    short = plain if len(plain) <= 4 * WIDTH else f"{plain[: 4 * WIDTH]}..."
    return short.encode("utf-8", "replace").decode().translate(MARKS)
