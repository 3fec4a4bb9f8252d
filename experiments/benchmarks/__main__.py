"""`python -m experiments.benchmarks`: run every benchmark, print it, and leave its record in `artifacts/bench/`."""

from pathlib import Path

from experiments.benchmarks import sampling, scan
from experiments.files import write_json
from experiments.finetune import quiet

BENCHMARKS = (sampling.run, scan.run)


def main() -> None:
    """One line and one record for each benchmark."""
    quiet()
    folder = Path("artifacts/bench")
    folder.mkdir(parents=True, exist_ok=True)
    for run in BENCHMARKS:
        record = run()
        write_json(folder / f"{record['name']}.json", record)
        print(f"{record['name']}: {record['ratio']:.2f} x the time (aim: {record['target']:.2f})")


if __name__ == "__main__":
    main()
