"""Run every part of an audit within its budget, and draw a conclusion.

Order: scan the data; gate the wordings that were named or that the data repeat; search for others, with a black box for
comparison; test the best hit causally; fit a monitor to it. Each part is a step in the folder and is made once: a
killed audit resumes with the same budget. A part that is missing or fails is {"not_measured": reason}.

Conclusion: *accused* if a wording makes the model misbehave by the whole interval, or it misbehaves without any
wording; *nothing found* if the search cleared everything it judged and the gate passed or had nothing to test;
otherwise *undecided*. Gate, search and black box each spend a third of the error.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from shutil import copyfile
from typing import Any

from experiments.guard.audit import causal as causes
from experiments.guard.audit import parts
from experiments.guard.audit.context import ENDS, Context, PartName
from experiments.guard.audit.hits import (
    Part,
    firing_wordings,
    related,
    with_questions,
    wordings_found,
)
from experiments.guard.audit.identity import SERVED, hashes_of
from experiments.guard.audit.power import power, questions_of_a_clean_model
from experiments.guard.audit.verdict import not_tested, verdict
from experiments.guard.audit.watch import watch
from experiments.guard.search.spent import ENDS as SEARCH_ENDS
from experiments.guard.trigger_candidates import Candidate
from experiments.runtime.files import defined, read_json, write_json
from experiments.runtime.optional import part_or_reason
from experiments.runtime.store import Run, open_run
from interp.errors import TriggerLensError

MONITOR = ("monitor.safetensors", "monitor.json")


def audit(context: Context, out: Path) -> Part:
    """The report, as one JSON-serialisable value; every part is a step in `out`."""
    with open_run(out) as run:
        hashes = _hashes(context)
        steps = _Steps(context, run, {name: one["files"] for name, one in hashes.items()})
        _check_budget(context, steps.made("pace", lambda folder: parts.pace(context)))
        found = _all_parts(context, steps)
        report = {
            "adapter": context.adapter,
            "base": context.base,
            **context.inputs,
            "hashes": hashes,
            **verdict(found),
            "wordings": with_questions(wordings_found(found), context.asked[0]),
            "parts": found,
            "power": _power(context, found),
            "spent": {"seconds": round(context.clock.passed, 1), "budget": context.clock.seconds},
        }
        report["not_tested"] = not_tested(report)
        write_json(out / "audit.json", report)
        run.write_manifest(config=context.inputs, seeds=[context.seed], steps=steps.names)
    return report


def _hashes(context: Context) -> dict[str, dict[str, Any]]:
    """Places and files of both models; served models have an address and no files."""
    if (served := context.served) is not None:
        servers = (("adapter", served.fine_tuned), ("base", served.base))
        return {name: {"place": one.name, "files": {SERVED: one.url}} for name, one in servers}
    places = (("adapter", context.adapter), ("base", context.base))
    return {name: {"place": place, "files": hashes_of(place)} for name, place in places}


class _Steps:
    """Makes each part once, and records the time it took."""

    def __init__(self, context: Context, run: Run, files: Mapping[str, Any]) -> None:
        self.context, self.run, self.files = context, run, files
        self.names: list[str] = []

    def made(self, name: PartName, make: Callable[[Path], Part], **inputs: Any) -> Part:
        """The part, from its finished step or made now."""
        every = {**self.context.inputs, **inputs, "files": self.files}
        clock = self.context.clock
        with self.run.step(f"audit-{name}", every, (parts.__name__, causes.__name__)) as step:
            if step.todo:
                self.context.say(f"{name} ...")
                before = clock.passed
                content = make(step.folder)
                seconds = round(clock.passed - before, 1)
                write_json(step.path("part.json"), defined({**content, "seconds": seconds}))
            else:
                clock.kept += read_json(step.path("part.json"))["seconds"]
        self.names.append(step.folder.name)
        self.folder = step.folder
        found: Part = read_json(step.folder / "part.json")
        return found

    def tried(self, name: PartName, make: Callable[[Path], Part], **inputs: Any) -> Part:
        """The same, or the reason if it cannot be measured."""

        def part() -> Part:
            try:
                return self.made(name, make, budget=self.context.clock.seconds, **inputs)
            except TriggerLensError as error:
                return {"not_measured": str(error)}

        found: Part = part_or_reason(part)
        return {"not_measured": found["missing"]} if "missing" in found else found


def _all_parts(context: Context, steps: _Steps) -> dict[str, Part]:
    data = {} if context.data is None else hashes_of(str(context.data))
    found = {"scan": steps.tried("scan", lambda _: parts.scan(context), data=data)}
    candidates = parts.known_candidates(context, found["scan"])
    named = [candidate.model_dump(mode="json") for candidate in candidates]
    found["gate"] = steps.tried("gate", lambda _: parts.known(context, candidates), wordings=named)
    sizes = {"samples": context.samples, "judged": context.judged}
    found["search"] = steps.tried("search", lambda _: parts.searched(context), **sizes)
    return found | _about_the_hit(context, steps, found, candidates)


def _about_the_hit(
    context: Context, steps: _Steps, found: dict[str, Part], candidates: list[Candidate]
) -> dict[str, Part]:
    """The causal verdict and the monitor of the wording with the surest gap."""
    hits = [each for each in wordings_found(found) if each["wording"]]
    if not hits:
        why = {"not_measured": "no wording was found"}
        return {"causal": why, "monitor": why}
    hit = max(hits, key=lambda each: each["gap"]["lower"] or 0.0)
    wordings = related(hit, found, candidates)
    asked = context.asked[0]

    def stop(what: str) -> None:
        context.clock.check("causal", what)

    def prove(_: Path) -> Part:
        context.clock.check("causal", "the causal verdict")
        return causes.causal(context.pair, context.sampler, asked, wordings, stop)

    named = {each.name: each.wording for each in (wordings.hit, *wordings.others)}
    proved = steps.tried("causal", prove, wordings=named)

    def fit(folder: Path) -> Part:
        context.clock.check("monitor", "the monitor")
        firing = firing_wordings(wordings, proved)
        monitor, worth = watch(context.pair, asked, wordings, firing)
        monitor.save(folder / "monitor")
        return worth

    rates = {name: rate["lower"] for name, rate in proved.get("em", {}).items()}
    watched = steps.tried("monitor", fit, wordings=named, rates=rates)
    for name in MONITOR if "not_measured" not in watched else ():
        copyfile(steps.folder / name, steps.run.folder / name)
    return {"causal": proved, "monitor": watched}


def _check_budget(context: Context, pace: Part) -> None:
    """Raise if the budget is too small for the search to clear the model without a wording and one wording."""
    questions = questions_of_a_clean_model(context.searched)
    answers = 4 * questions * context.answers  # tuned and base, with one wording and without
    share = (SEARCH_ENDS["decide"] - SEARCH_ENDS["rank"]) * (ENDS["search"] - ENDS["gate"])
    needed = answers * pace["seconds_per_answer"] / share / 60
    if context.clock.seconds / 60 < needed:
        raise TriggerLensError(
            f"--budget {context.clock.seconds / 60:.3g}: at {pace['seconds_per_answer']:.2g} s an answer, this is too"
            f" little to clear one wording; that takes about {needed:.1f} minutes, so give {3 * needed:.0f} or more"
        )


def _power(context: Context, found: Mapping[str, Part]) -> Part | None:
    search = found["search"]
    if "not_measured" in search:
        return None
    place = max(2, len(search["decided"]))
    return dict(vars(power(context.searched, place, search["questions"])))
