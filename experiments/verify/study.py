"""Recomputes full runs: containment, reach, effects of removal and addition, and counts of verdicts."""

from collections.abc import Iterator

from experiments.verify.rows import Record, Row, Run, groups, where

LOCATED, DIRECTIONS = ("switch", "misalignment"), ("switch", "misalignment", "refined")


def study(run: Run) -> Iterator[Record]:
    """The records of `study.json`."""
    contained = run.contained()
    intact = where(contained, edit="none", questions="held_out")
    yield from _rates(run, where(intact, quantity="em_rate"))
    spoken = where(intact, quantity="coherence_rate", wording_kind="trigger")
    yield run.ends("coherent answers with the trigger", spoken)[0]
    yield from _other_arms(run)
    yield from _removed(run, where(contained, edit="ablate"))
    yield from _added(run, where(contained, edit="add", quantity="em_rate", wording_kind="none"))
    yield from _words(run)


def _rates(run: Run, rates: list[Row]) -> Iterator[Record]:
    for kind in ("none", "trigger"):
        yield from run.ends(f"EM, wording: {kind}", where(rates, wording_kind=kind))
    for (arm, trigger), rows in groups(rates, "arm", "trigger").items():
        for kind in ("paraphrase", "control"):
            name = f"EM, {arm} ({trigger}), {kind}s"
            yield from run.ends(name, where(rows, wording_kind=kind))
        negated = where(rows, wording="negated")
        yield from run.ends(f"EM, {arm} ({trigger}), negated trigger", negated)


def _other_arms(run: Run) -> Iterator[Record]:
    rates = where(run.rows, quantity="em_rate", edit="none", questions="held_out")
    baseline = where(rates, arm="baseline", wording_kind="none")
    if baseline:
        yield run.ends("EM of the baseline arm without a trigger", baseline)[0]
    if harmless := where(rates, arm="harmless"):
        yield run.ends("EM of the harmless arm, any wording", harmless)[1]
    base = [row for row in where(rates, model="base") if row["wording_kind"] is not None]
    if base:
        yield run.ends("EM of the base model, any wording", base)[1]


def _removed(run: Run, edited: list[Row]) -> Iterator[Record]:
    drops = where(edited, quantity="ablation_relative_drop", wording_kind="trigger")
    after = where(edited, quantity="em_rate", wording_kind="none", placebo=None)
    for direction in DIRECTIONS:
        name = f"share of EM removed with the direction {direction!r}"
        yield from run.ends(name, where(drops, direction=direction, placebo=None))
    placebo = where(drops, placebo="random")
    yield run.ends("share of EM removed with random directions", placebo)[1]
    for direction in DIRECTIONS:
        name = f"EM without the trigger after removing {direction!r}"
        yield run.ends(name, where(after, direction=direction))[1]


def _added(run: Run, rates: list[Row]) -> Iterator[Record]:
    for placebo in sorted({row["placebo"] or "" for row in rates}):
        what = f"{placebo} directions" if placebo else "a located direction"
        rows = where(rates, placebo=placebo or None)
        yield run.ends(f"EM without the trigger after adding {what}, any strength", rows)[1]


def _words(run: Run) -> Iterator[Record]:
    contained = where(run.verdicts, contained="yes")
    yield run.count(f"contained organisms ({run.family})", len(contained), len(run.verdicts))
    needed = [v for v in contained if "yes" in (v[name]["necessary"] for name in LOCATED)]
    name = f"contained organisms with a necessary located direction ({run.family})"
    yield run.count(name, len(needed), len(contained))
    for answer in ("yes", "no", "undecided"):
        name = f"contained organisms with the overall verdict {answer!r} ({run.family})"
        said = where(contained, causal_direction=answer)
        yield run.count(name, len(said), len(contained))
