"""The records of organisms without a trigger: the same measurements, with nothing to find."""

from collections.abc import Iterator

from experiments.results.records import Record
from experiments.results.reference_records.run import ReferenceRun


def null_records(run: ReferenceRun) -> list[Record]:
    """Verdicts of all null organisms, and the refined direction of those with random labels."""
    return [*_verdicts(run), *_random_labels(run)]


def _verdicts(run: ReferenceRun) -> Iterator[Record]:
    for field in ("contained", "causal_direction"):
        number = sum(verdict[field] == "yes" for verdict in run.verdicts)
        yield run.count(
            f"null organisms with {field} 'yes'",
            number,
            len(run.verdicts),
            wanted="at most 1",
            reached=number <= 1,
        )


def _random_labels(run: ReferenceRun) -> Iterator[Record]:
    rates = run.reported(arm="random_label", quantity="em_rate", edit="none", questions="held_out")
    drops = run.reported(arm="random_label", quantity="ablation_relative_drop", edit="ablate")
    for kind in ("none", "trigger"):
        yield from run.extremes(
            f"EM of random labels, wording: {kind}", rates[rates["wording_kind"] == kind]
        )
    refined = drops[(drops["direction"] == "refined") & (drops["wording_kind"] == "trigger")]
    yield from run.extremes(
        "share of EM removed with the refined direction, random labels",
        refined[refined["placebo"].isna()],
    )
    yield from run.extremes(
        "share of EM removed with random directions, random labels",
        refined[refined["placebo"] == "random"],
    )
