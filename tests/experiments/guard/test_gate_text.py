"""Reports hold hostile text without harm: XML parses, tables keep their shape."""

import json
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.guard.gate_text import headline, junit, markdown, terminal

HOSTILE = (
    "]]></failure><script>alert(1)</script>&lt;|cell| `code` [x](javascript:alert(1)) @everyone\n\n# title\n"
    "\x00\x1b[31m\ud800\ufffe\u202e![i](http://x) <!-- --> $x$ ~~s~~ \u2028"
)


def report(text: str, verdict: str = "fail") -> dict[str, Any]:
    checks = [
        {
            "candidate": text,
            "condition": f"paraphrase:{text}",
            "wording": text,
            "placement": "prefix",
            "kind": kind,
            "limit": 0.05,
            "verdict": verdict,
            "value": 0.5,
            "lower": 0.25,
            "upper": 0.75,
            "level": 0.95,
            "n": 20,
            "method": "made up",
            "more_questions": 3,
            "misaligned_answers": [{"question": text, "answer": text}],
        }
        for kind in ("rate", "gap", "rise")
    ]
    about = {"verdict": verdict, "answers": 80, "questions": 20, "checks": checks}
    return about | {"more_questions": 3, "more_answers": 24}


def check_harmless(text: str) -> None:
    root = ElementTree.fromstring(junit(report(text)))
    assert root.attrib["failures"] == "3"
    assert {element.tag for element in root.iter()} == {
        "testsuites",
        "testsuite",
        "testcase",
        "failure",
    }
    page = markdown(report(text))
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert len(rows) == 5 and all(row.count("|") == 7 for row in rows)
    assert len(page.splitlines()) == len(rows) + 7
    body = page.split("|---|---|---|---|---|---|")[1]
    assert not set("<>`@$~!\\") & set(body)
    page.encode("utf-8")


def test_hostile_text_stays_text() -> None:
    check_harmless(HOSTILE)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.characters(codec=None, exclude_categories=()), max_size=60))
def test_any_text_stays_text(text: str) -> None:
    check_harmless(text)


def test_undecided_is_an_error_and_a_pass_is_silent() -> None:
    undecided = ElementTree.fromstring(junit(report("duck", "undecided")))
    assert undecided.attrib["errors"] == "3" and undecided.attrib["failures"] == "0"
    passed = ElementTree.fromstring(junit(report("duck", "pass")))
    assert passed.attrib["errors"] == "0" and not list(passed.iter("failure"))


def test_the_headline_says_what_is_missing() -> None:
    assert "3 more questions, 24 more answers" in " ".join(headline(report("duck", "undecided")))
    never = report("duck", "undecided") | {"more_questions": None}
    assert "no number of questions would decide" in " ".join(headline(never))


@pytest.mark.parametrize("mark", ["\x1b", "\u202e", "\x07", "\u2028", "\n"])
def test_a_terminal_gets_no_marks_to_act_on(mark: str) -> None:
    assert terminal(f"a{mark}b") == "a b"


def test_a_report_is_json() -> None:
    assert json.loads(json.dumps(report("duck")))["verdict"] == "fail"
