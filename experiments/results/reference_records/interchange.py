"""The records of swapped coordinates: the EM that swaps in the claimed subspace cause and remove, and its controls."""

import pandas as pd

from experiments.results.interchange_claims import CONTROLS
from experiments.results.interchange_text import BRINGS, TAKES
from experiments.results.records import Record
from experiments.results.reference_records.run import ReferenceRun

WAYS = {BRINGS: ("caused", "none", "trigger"), TAKES: ("removed", "trigger", "none")}
LEAST, MOST = 0.9, 0.2  # aims for the claimed subspace and for the best control


def interchange_records(run: ReferenceRun) -> list[Record]:
    """For each organism and both directions of the swap: rank 1, the best rank, controls; then unseen wordings."""
    rows = run.reported(edit="interchange")
    records: list[Record] = []
    for (family, arm), organism in rows.groupby(["family", "arm"], sort=False):
        site = organism.iloc[0]
        here = organism[organism["layer"] == site["layer"]]
        for quantity, (verb, into, donor) in WAYS.items():
            swaps = here[
                (here["quantity"] == quantity)
                & (here["wording_kind"] == into)
                & (here["source"] == donor)
            ]
            records += _subspaces(run, f"share of EM {verb} by the swap, {family} {arm}", swaps)
        unseen = here[
            (here["quantity"] == BRINGS)
            & here["source"].str.startswith("paraphrase:", na=False)
            & here["placebo"].isna()
        ]
        if len(unseen):
            records += run.extremes(
                f"share of EM caused by coordinates of unseen paraphrases, {family} {arm}", unseen
            )
    return records


def _subspaces(run: ReferenceRun, name: str, swaps: pd.DataFrame) -> list[Record]:
    claimed = swaps[swaps["placebo"].isna()]
    found = [
        ("rank 1", claimed[claimed["strength"] == 1], _at_least),
        ("best of ranks 1 to 8", _highest(run, claimed), _at_least),
        ("best control", _highest(run, swaps[swaps["placebo"].isin(CONTROLS)]), _at_most),
        ("orthogonal to rank 1", swaps[swaps["placebo"] == "orthogonal"], None),
        ("four other random starts", swaps[swaps["placebo"] == "restart"], None),
    ]
    records = []
    for words, rows, aim in found:
        for _, row in rows.iterrows():
            wanted = aim(row["value"]) if aim and row["value"] is not None else {}
            records.append(run.record(f"{name}, {words}", row.to_dict(), **wanted))
    return records


def _highest(run: ReferenceRun, rows: pd.DataFrame) -> pd.DataFrame:
    """The highest row, with an interval that is simultaneous over all rows it was picked from."""
    return pd.DataFrame([run.best(rows, rows["value"].idxmax())]) if len(rows) else rows


def _at_least(value: float) -> dict[str, object]:
    return {"wanted": LEAST, "reached": bool(value >= LEAST)}


def _at_most(value: float) -> dict[str, object]:
    return {"wanted": MOST, "reached": bool(value <= MOST)}
