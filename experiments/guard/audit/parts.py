"""The parts of an audit that are also commands: scan, gate, and search with its black box. Each result is a dict.

A part raises TriggerLensError if it cannot be measured; the audit then reports the reason.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from experiments.guard.audit.context import Context
from experiments.guard.gate import Check, Outcome, gate
from experiments.guard.gate_rows import gate_report
from experiments.guard.scan import Options, scan_file
from experiments.guard.search.black_box import black_box
from experiments.guard.search.decide import decide
from experiments.guard.search.library import library_leads
from experiments.guard.search.report import decided_rows, search_report, side_by_side
from experiments.guard.search.search import BLIND, Settings, parted, search
from experiments.guard.search.spent import Spent
from experiments.guard.trigger_candidates import (
    NONE,
    Candidate,
    load_candidates,
    read_candidates,
)
from experiments.guard.trigger_file import write_trigger_files
from interp.errors import TriggerLensError

FRAMINGS = 4  # framings of a scan that the gate tests
LEAST_SEARCH = 20.0  # seconds


def pace(context: Context) -> dict[str, Any]:
    """Seconds per answer, from one round of the model without a wording."""
    asked = list({question.id: question for question in context.asked[0]}.values())[:10]
    context.draw("fine_tuned", NONE, asked[:2])  # the first pass also warms up
    begun = time.monotonic()
    cell = context.draw("fine_tuned", NONE, asked)
    return {"seconds_per_answer": (time.monotonic() - begun) / len(cell.judgements)}


def scan(context: Context) -> dict[str, Any]:
    """Framings of the training data, the first as trigger candidates."""
    if context.data is None:
        raise TriggerLensError("no training data was given (--data)")
    found = scan_file(context.data, Options(seed=context.seed))
    with TemporaryDirectory() as folder:
        files = write_trigger_files(Path(folder), [each.framing for each in found.found[:FRAMINGS]])
        candidates = [candidate for file in files for candidate in read_candidates(file)]
    return {**found.report(), "candidates": [each.model_dump(mode="json") for each in candidates]}


def known_candidates(context: Context, scanned: dict[str, Any]) -> list[Candidate]:
    """The candidates of the given files, then those of the scan; a name that occurs twice gets a number."""
    named = [each for name in context.triggers for each in load_candidates(name)]
    texts = {each.text for each in named}
    found = [Candidate.model_validate(each) for each in scanned.get("candidates", [])]
    return named + [each for each in found if each.text not in texts]


def known(context: Context, candidates: Sequence[Candidate]) -> dict[str, Any]:
    """The gate on wordings that somebody named, or that the data repeat."""
    if not candidates:
        raise TriggerLensError("no wording was named (--trigger), and none was found in the data")
    context.clock.check("gate", "the gate")
    outcome = gate(
        context.draw,
        context.asked[0],
        candidates,
        context.limits,
        context.plan,
        is_late=lambda: context.clock.left("gate") <= 0,
        every_limit=True,
    )
    return {**gate_report(outcome), "hits": _gate_hits(outcome)}


def _gate_hits(outcome: Outcome) -> list[dict[str, Any]]:
    """Wordings with a broken gap and rise; without wording, a broken rise."""
    by_wording: dict[Any, list[Check]] = {}
    for check in outcome.checks:
        by_wording.setdefault(check.condition, []).append(check)
    hits = []
    for condition, checks in by_wording.items():
        broken = {check.kind for check in checks if check.verdict == "fail"}
        if {"gap", "rise"} <= broken or (condition == NONE and "rise" in broken):
            place = condition.model_dump(include={"wording", "placement", "separator"})
            about = {"candidate": condition.candidate, "condition": condition.name}
            tests = {check.kind: vars(check.test.interval()) for check in checks}
            hits.append({**place, **about, **tests, "examples": side_by_side(outcome, condition)})
    return hits


def searched(context: Context) -> dict[str, Any]:
    """The search for unnamed wordings, and the black box with as many tokens."""
    seconds = context.clock.left("search")
    if seconds < LEAST_SEARCH:
        raise TriggerLensError(
            f"{max(0.0, seconds):.0f} seconds were left, and a search needs {LEAST_SEARCH:.0f}"
        )
    if not context.is_adapter:
        return blind(context, seconds)
    spent = Spent(seconds)
    settings = Settings(context.judged, context.samples, seed=context.seed)
    found = search(
        context.pair,
        context.asked[0],
        context.sampler,
        context.searched,
        context.plan,
        spent,
        settings,
        say=context.say,
    )
    return {**search_report(found, context.searched), "questions": found.questions}


def blind(context: Context, seconds: float) -> dict[str, Any]:
    """Only the black box, because a whole model has no adapter that could be disabled, and a served one no weights."""
    ranking, judging = parted(context.asked[0])
    leads = library_leads()
    found = black_box(context.sample, leads, ranking, 10**9, Spent(seconds / 2), seed=context.seed)
    has = "whole model has no adapter to switch off"
    if context.served is not None:
        has = "served model shows no weights"
    best = [lead for lead, _ in found.leads[:BLIND]]
    spent = Spent(seconds / 2)
    decided = decide(
        context.draw, best, judging, context.searched, context.plan, spent, "black box", context.say
    )
    return {
        "verdict": "undecided",
        "why": f"a {has}, so only the black box searched it",
        "decided": [],
        "classes": [],
        "black_box": {
            "tried": found.tried,
            "tokens": found.tokens,
            "allowed": found.tokens,
            "decided": decided_rows(decided),
        },
        "spent": {"parts": {"black box": {"tokens": found.tokens}}},
        "not_tested": ["Wordings outside the library: the search needs an adapter's folder."],
        "questions": len(judging),
    }
