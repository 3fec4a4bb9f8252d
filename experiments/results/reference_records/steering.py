"""The records of vectors that were trained to cause the misbehaviour without the trigger."""

from experiments.results.records import Record
from experiments.results.reference_records.run import ReferenceRun

WHAT = {
    ("fine_tuned", "steering", False): "trained vectors",
    ("fine_tuned", "steering", True): "random vectors of the same norms",
    ("base", "steering", False): "the same vectors in the base",
    ("base", "steering_of_base", False): "vectors trained for the base, in the base",
}


def steering_records(run: ReferenceRun) -> list[Record]:
    """EM without the trigger at dose 1, by arm and by what was added."""
    rows = run.reported(
        quantity="steering_em_rate", edit="steer", wording_kind="none", strength=1.0
    )
    records: list[Record] = []
    for (arm, trigger), organisms in rows.groupby(["arm", "trigger"]):
        for (model, direction, placebo), what in WHAT.items():
            chosen = organisms[
                (organisms["model"] == model)
                & (organisms["direction"] == direction)
                & (organisms["placebo"].notna() == placebo)
            ]
            if len(chosen):
                records += run.extremes(f"EM of {arm}-{trigger} with {what} added", chosen)
    return records
