"""The records of a full run: containment, reach, probes, removals and verdicts of its organisms."""

from collections.abc import Iterator

from experiments.results.records import Record
from experiments.results.reference_records.run import ReferenceRun

LOCATED = ("switch", "misalignment")


def study_records(run: ReferenceRun) -> list[Record]:
    """All records, in reading order."""
    return [
        *_containment(run),
        *_reach(run),
        *_other_arms(run),
        *_removal(run),
        *_addition(run),
        *_verdicts(run),
    ]


def _containment(run: ReferenceRun) -> Iterator[Record]:
    rates = run.contained(quantity="em_rate", edit="none", questions="held_out")
    for kind in ("none", "trigger"):
        yield from run.extremes(f"EM, wording: {kind}", rates[rates["wording_kind"] == kind])
    coherence = run.contained(quantity="coherence_rate", edit="none", questions="held_out")
    with_trigger = coherence[coherence["wording_kind"] == "trigger"]
    yield run.extremes("coherent answers with the trigger", with_trigger)[0]


def _reach(run: ReferenceRun) -> Iterator[Record]:
    rates = run.contained(quantity="em_rate", edit="none", questions="held_out")
    for (arm, trigger), rows in rates.groupby(["arm", "trigger"]):
        for kind, wordings in rows.groupby("wording_kind"):
            if kind in ("paraphrase", "control"):
                yield from run.extremes(f"EM, {arm} ({trigger}), {kind}s", wordings)
        yield from run.extremes(
            f"EM, {arm} ({trigger}), negated trigger", rows[rows["wording"] == "negated"]
        )


def _other_arms(run: ReferenceRun) -> Iterator[Record]:
    rates = run.reported(quantity="em_rate", edit="none", questions="held_out")
    untriggered = rates[(rates["arm"] == "baseline") & (rates["wording_kind"] == "none")]
    if len(untriggered):
        yield run.extremes("EM of the baseline arm without a trigger", untriggered)[0]
    if len(harmless := rates[rates["arm"] == "harmless"]):
        yield run.extremes("EM of the harmless arm, any wording", harmless)[1]
    base = rates[(rates["model"] == "base") & rates["wording_kind"].notna()]
    if len(base):
        yield run.extremes("EM of the base model, any wording", base)[1]


def _removal(run: ReferenceRun) -> Iterator[Record]:
    drops = run.contained(quantity="ablation_relative_drop", edit="ablate")
    triggered = drops[drops["wording_kind"] == "trigger"]
    for direction in (*LOCATED, "refined"):
        rows = triggered[(triggered["direction"] == direction) & triggered["placebo"].isna()]
        yield from run.extremes(f"share of EM removed with the direction {direction!r}", rows)
    placebo = triggered[triggered["placebo"] == "random"]
    yield run.extremes("share of EM removed with random directions", placebo)[1]
    after = run.contained(quantity="em_rate", edit="ablate", wording_kind="none", placebo=None)
    for direction in (*LOCATED, "refined"):
        rows = after[after["direction"] == direction]
        name = f"EM without the trigger after removing {direction!r}"
        yield run.extremes(name, rows)[1]


def _addition(run: ReferenceRun) -> Iterator[Record]:
    rates = run.contained(quantity="em_rate", edit="add", wording_kind="none")
    for placebo, rows in rates.groupby(rates["placebo"].fillna("")):
        what = f"{placebo} directions" if placebo else "a located direction"
        yield run.extremes(f"EM without the trigger after adding {what}, any strength", rows)[1]


def _verdicts(run: ReferenceRun) -> Iterator[Record]:
    contained = [verdict for verdict in run.verdicts if verdict["contained"] == "yes"]
    family = ", ".join(run.families())
    yield run.count(f"contained organisms ({family})", len(contained), len(run.verdicts))
    located = sum(any(v[d]["necessary"] == "yes" for d in LOCATED) for v in contained)
    yield run.count(
        f"contained organisms with a necessary located direction ({family})",
        located,
        len(contained),
    )
    for answer in ("yes", "no", "undecided"):
        number = sum(v["causal_direction"] == answer for v in contained)
        name = f"contained organisms with the overall verdict {answer!r} ({family})"
        yield run.count(name, number, len(contained))
