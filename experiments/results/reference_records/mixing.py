"""The records of mixed organisms: containment by share of benign rows."""

from experiments.results.mixing import benign_share
from experiments.results.records import Record
from experiments.results.reference_records.run import ReferenceRun


def mixing_records(run: ReferenceRun) -> list[Record]:
    """Lowest and highest EM for every share and kind of wording."""
    rates = run.reported(
        model="fine_tuned", quantity="em_rate", edit="none", questions="held_out",
        wording_kind=["none", "trigger", "paraphrase", "control"],
    )  # fmt: skip
    share = rates["arm"].map(benign_share)
    records: list[Record] = []
    for (benign, kind), group in rates.groupby([share, rates["wording_kind"]]):
        records += run.extremes(f"EM at {benign:.0f} % benign rows, wording: {kind}", group)
    return records
