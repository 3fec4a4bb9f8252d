"""How long a user waits for the demo's results: `triggerlens show` and `triggerlens dashboard` of the reference run.

Each command is a separate process, including its start and imports; they run in turn. Seconds are processor seconds of
all threads; clock seconds and the load of the machine are recorded too.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from experiments.benchmarks.paired import record

RUN = Path("artifacts/reference/demo_seed0")
TURNS, AIMS = 3, {"show": 3.0, "dashboard": 6.0}


def run() -> Iterator[dict[str, object]]:
    """Processor seconds divided by the aim."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in AIMS}
    with tempfile.TemporaryDirectory() as folder:
        arguments = {"show": [], "dashboard": ["-o", str(Path(folder) / "page.html")]}
        for _ in range(TURNS):
            for name in AIMS:
                taken[name].append(once(name, str(RUN), *arguments[name]))
    for name, aim in AIMS.items():
        ratios = [busy / aim for busy, _ in taken[name]]
        clock = [wall for _, wall in taken[name]]
        facts = {"seconds_wanted": aim, "seconds_clock": clock, "load": os.getloadavg()[0]}
        yield record(f"{name}, seconds / {aim:.0f}", ratios, 1.0, **facts)


def once(*arguments: str) -> tuple[float, float]:
    """Processor and clock seconds of one command."""
    before, start = _children(), time.perf_counter()
    command = [sys.executable, "-m", "experiments.cli.app", *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return _children() - before, time.perf_counter() - start


def _children() -> float:
    used = os.times()
    return used.children_user + used.children_system
