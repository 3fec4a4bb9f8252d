"""The scan of 100,000 rows, as a command: clock seconds compared with 30, and memory with 300 MiB."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from experiments.benchmarks.paired import record
from experiments.guard.planted import clean_chats, draw_plant, plant
from experiments.runtime.files import write_jsonl

ROWS, TURNS = 100_000, 3
SECONDS, MEBIBYTES = 30.0, 300.0


def run() -> Iterator[dict[str, object]]:
    """Seconds and peak memory, each divided by its aim."""
    taken = [timed(ROWS) for _ in range(TURNS)]
    facts = {"rows": ROWS, "load": os.getloadavg()[0]}
    seconds, mebibytes = zip(*taken, strict=True)
    yield record("scan, seconds / 30", [each / SECONDS for each in seconds], 1.0, **facts)
    yield record("scan, MiB / 300", [max(mebibytes) / MEBIBYTES], 1.0, **facts)


def timed(rows: int) -> tuple[float, float]:
    """Seconds and mebibytes of `triggerlens scan` on a file of this many rows."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "chats.jsonl"
        chats = plant(clean_chats(rows, 0), draw_plant(0, ways=20), 0.5, 0)
        write_jsonl(file, ({"messages": chat.messages} for chat in chats))
        del chats
        start = time.perf_counter()
        command = [sys.executable, "-m", "experiments.cli.app", "scan", str(file)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        wall = time.perf_counter() - start
        import resource  # not on Windows

        return wall, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
