"""The records of directions that were removed from organisms other than the one they were fitted in."""

from experiments.results.records import Record
from experiments.results.reference_records.run import ReferenceRun


def transfer_records(run: ReferenceRun) -> list[Record]:
    """Lowest and highest share of EM that the refined directions of one arm remove from another arm."""
    rows = run.contained(quantity="transfer_relative_drop", wording_kind="trigger")
    rows = rows[rows["direction"].isin(["refined", "random"])]
    fitted_in = rows["source"].str.replace(r"^\w+-s\d+-", "", regex=True)
    records: list[Record] = []
    for (arm, trigger, source), group in rows.groupby([rows["arm"], rows["trigger"], fitted_in]):
        directions = (
            "random directions" if source == "random" else f"refined directions of {source}"
        )
        name = f"share of EM removed from {arm}-{trigger} with {directions}"
        records += run.extremes(name, group)
    return records
