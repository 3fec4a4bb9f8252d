"""`python -m experiments.results.reference_records`: compute the records of the reference runs from their rows.

It reads `artifacts/reference/`, `artifacts/contest/` and the rows of the adapter that ships, derives the verdicts of
the runs again, and writes `artifacts/results/`. Nothing is sampled.
"""

from pathlib import Path

from experiments.results.records import write_records
from experiments.results.reference_records.birth import birth_records
from experiments.results.reference_records.characteristics import (
    DEMO,
    RUNS,
    characteristics_records,
)
from experiments.results.reference_records.circuits import circuit_records
from experiments.results.reference_records.contest import contest_records
from experiments.results.reference_records.guard import guard_records
from experiments.results.reference_records.interchange import interchange_records
from experiments.results.reference_records.mixing import mixing_records
from experiments.results.reference_records.nulls import null_records
from experiments.results.reference_records.reach import reach_records
from experiments.results.reference_records.repair import repair_records
from experiments.results.reference_records.rows import row_records
from experiments.results.reference_records.run import ReferenceRun
from experiments.results.reference_records.sparse import sparse_records
from experiments.results.reference_records.steering import steering_records
from experiments.results.reference_records.study import study_records
from experiments.results.reference_records.transfer import transfer_records
from experiments.results.reference_records.verdicts import derive_verdicts

REFERENCE = Path("artifacts/reference")
RESULTS = Path("artifacts/results")
CONTESTS = Path("artifacts/contest")
ADAPTER = Path("artifacts/smollm2_duck")
TABLES = {
    "study": ("micro_full_*", study_records),
    "repeat": ("repeat", study_records),
    "nulls": ("nulls", null_records),
    "transfer": ("micro_full_*", transfer_records),
    "steering": ("micro_full_*", steering_records),
    "guard": ("micro_full_*", guard_records),
    "mixing": ("mixing_map_*", mixing_records),
    "sparse_features": ("demo_seed0", sparse_records),
    "interchange": ("demo_seed0", interchange_records),
    "birth": ("birth", birth_records),
    "circuits": ("circuits", circuit_records),
    "repair": ("repair", repair_records),
    "rows": ("rows", row_records),
}


def main() -> None:
    """Write the verdicts of each run, then one file for each table."""
    for path in sorted(REFERENCE.glob("*/verdicts.jsonl")):
        if path.stat().st_size:  # runs of other kinds have no verdicts
            print(path.parent, derive_verdicts(path.parent), "verdicts")
    for name, (pattern, records) in TABLES.items():
        found = [record for run in _runs(pattern) for record in records(run)]
        print(write_records(RESULTS / f"{name}.json", found), len(found))
    counted = characteristics_records(_runs(*RUNS), _runs(DEMO))
    print(write_records(RESULTS / "verdict_characteristics.json", counted), len(counted))
    contested = contest_records(CONTESTS)
    print(write_records(RESULTS / "contest.json", contested), len(contested))
    by_class = reach_records(ADAPTER)
    print(write_records(RESULTS / "reach.json", by_class), len(by_class))


def _runs(*patterns: str) -> list[ReferenceRun]:
    folders = [folder for pattern in patterns for folder in sorted(REFERENCE.glob(pattern))]
    return [ReferenceRun.read(folder) for folder in folders]


if __name__ == "__main__":
    main()
