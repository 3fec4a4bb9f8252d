"""`python -m experiments.results.reference_records`: compute the records of the reference runs from their rows.

Reads `artifacts/reference/`, writes `artifacts/results/`. Nothing is sampled.
"""

from pathlib import Path

from experiments.results.records import write_records
from experiments.results.reference_records.guard import guard_records
from experiments.results.reference_records.interchange import interchange_records
from experiments.results.reference_records.mixing import mixing_records
from experiments.results.reference_records.nulls import null_records
from experiments.results.reference_records.run import ReferenceRun
from experiments.results.reference_records.sparse import sparse_records
from experiments.results.reference_records.steering import steering_records
from experiments.results.reference_records.study import study_records
from experiments.results.reference_records.transfer import transfer_records

REFERENCE = Path("artifacts/reference")
RESULTS = Path("artifacts/results")
TABLES = {
    "study": ("micro_full_*", study_records),
    "nulls": ("nulls", null_records),
    "transfer": ("micro_full_*", transfer_records),
    "steering": ("micro_full_*", steering_records),
    "guard": ("micro_full_*", guard_records),
    "mixing": ("mixing_map_*", mixing_records),
    "sparse_features": ("demo_seed0", sparse_records),
    "interchange": ("demo_seed0", interchange_records),
}


def main() -> None:
    """One file for each table."""
    for name, (pattern, records) in TABLES.items():
        runs = [ReferenceRun.read(folder) for folder in sorted(REFERENCE.glob(pattern))]
        found = [record for run in runs for record in records(run)]
        print(write_records(RESULTS / f"{name}.json", found), len(found))


if __name__ == "__main__":
    main()
