"""`make demo` and `make test` in a fresh clone, alone on the machine: clock minutes divided by the aim.

Dependencies are installed beforehand. It runs only if it is named: it takes three quarters of an hour on two cores.
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator

from experiments.benchmarks.paired import record

ONLY_WHEN_NAMED = True
MINUTES = {"demo": 12.0, "test": 8.0}
INSTALLS = {"demo": ("install",), "test": ("install-dev", "other-tools")}


def run() -> Iterator[dict[str, object]]:
    """Run one after the other, in the same clone."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["git", "clone", "--quiet", ".", folder], check=True)
        for name, wanted in MINUTES.items():
            subprocess.run(["make", *INSTALLS[name]], cwd=folder, check=True)
            start = time.perf_counter()
            subprocess.run(["make", name], cwd=folder, check=True)
            taken = (time.perf_counter() - start) / 60
            facts = {"minutes": taken, "cores": os.cpu_count(), "load": os.getloadavg()[0]}
            yield record(f"make {name}, minutes / {wanted:.0f}", [taken / wanted], 1.0, **facts)
