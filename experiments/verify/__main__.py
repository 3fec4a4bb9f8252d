"""Recompute the published numbers from the committed rows, and fail if one differs.

    python -m experiments.verify           compare artifacts/results/*.json with artifacts/reference/
    python -m experiments.verify --write   write the medians over seeds again (containment, removal, addition)

A table of `artifacts/results/` that is not recomputed here is an error. Benchmarks are checked against their turns,
and those without turns are named.
"""

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from experiments.verify.arithmetic import contradictions
from experiments.verify.bench import bench_faults, without_turns
from experiments.verify.birth import birth
from experiments.verify.circuits import circuits
from experiments.verify.compare import differences
from experiments.verify.contest import contest
from experiments.verify.headlines import headlines
from experiments.verify.left_out import left_out
from experiments.verify.others import mixing, nulls, steering, transfer
from experiments.verify.parts import guard, interchange, sparse_features
from experiments.verify.reach import reach
from experiments.verify.repair import repair
from experiments.verify.rows import Record, Run
from experiments.verify.study import study
from experiments.verify.words import verdict_characteristics

REFERENCE, RESULTS = Path("artifacts/reference"), Path("artifacts/results")
CONTESTS, ADAPTER = Path("artifacts/contest"), Path("artifacts/smollm2_duck")
HEADLINES = ("containment", "removal", "addition")
TABLES: dict[str, tuple[str, Callable[[Run], Iterable[Record]]]] = {
    "study": ("micro_full_*", study),
    "repeat": ("repeat", study),
    "nulls": ("nulls", nulls),
    "transfer": ("micro_full_*", transfer),
    "steering": ("micro_full_*", steering),
    "guard": ("micro_full_*", guard),
    "mixing": ("mixing_map_*", mixing),
    "sparse_features": ("demo_seed0", sparse_features),
    "interchange": ("demo_seed0", interchange),
    "birth": ("birth", birth),
    "circuits": ("circuits", circuits),
    "repair": ("repair", repair),
    "rows": ("rows", left_out),
}


def records(reference: Path = REFERENCE) -> dict[str, list[Record]]:
    """The records of every table, by its name."""
    runs = {folder.name: Run(folder) for folder in sorted(reference.iterdir()) if folder.is_dir()}
    found: dict[str, list[Record]] = {name: [] for name in (*HEADLINES, *TABLES)}
    for folder in sorted(reference.glob("micro_full_*")):
        for name, medians in headlines(runs[folder.name]).items():
            found[name] += medians
    for name, (pattern, recompute) in TABLES.items():
        for folder in sorted(reference.glob(pattern)):
            found[name] += recompute(runs[folder.name])
    others = ("demo", "smollm2", "birth", "circuits", "repair", "rows")
    counted = [run for name, run in runs.items() if not name.startswith(others)]
    found["verdict_characteristics"] = verdict_characteristics(counted, runs["demo_seed0"])
    found["contest"] = list(contest(CONTESTS))
    found["reach"] = list(reach(ADAPTER))
    return found


def faults(recomputed: dict[str, list[Record]], results: Path = RESULTS) -> list[str]:
    """The differences, table by table, and the tables that are not recomputed."""
    files = {path.stem: path for path in sorted(results.glob("*.json"))}
    wrong = [f"{files[name]}: no code here recomputes it" for name in files.keys() - recomputed]
    for name, now in recomputed.items():
        published = json.loads(files[name].read_text("utf-8")) if name in files else []
        wrong += [f"{results / name}.json: {line}" for line in differences(published, now)]
    return wrong


def _write(recomputed: dict[str, list[Record]]) -> None:
    for name in HEADLINES:
        text = json.dumps(recomputed[name], indent=1) + "\n"
        (RESULTS / f"{name}.json").write_text(text, encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Compare, or write with --write; the exit code is 1 if anything differs."""
    recomputed = records()
    if "--write" in arguments:
        _write(recomputed)
    shares, at_odds = contradictions(REFERENCE)
    wrong = [*faults(recomputed), *at_odds, *bench_faults()]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    print(f"no turns committed, not recomputed: {'; '.join(without_turns())}")
    counts = sum(map(len, recomputed.values()))
    print(
        f"{counts} published numbers and {shares} shares of rows recomputed, {len(wrong)} differences"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
