"""Run Python in a process in which some packages cannot be imported, as if they were not installed."""

import os
import subprocess
import sys
from collections.abc import Sequence

from house import ROOT

BLOCKER = """
import sys
from importlib.abc import MetaPathFinder
from importlib import util

BLOCKED = {blocked!r}
real_spec = util.find_spec

def find_spec(name, package=None):
    return None if name.partition(".")[0] in BLOCKED else real_spec(name, package)

class Blocker(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

util.find_spec = find_spec
sys.meta_path.insert(0, Blocker())
"""


def run_without(blocked: Sequence[str], code: str) -> subprocess.CompletedProcess[str]:
    """The finished process, with what it printed."""
    program = BLOCKER.format(blocked=sorted(blocked)) + code
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}  # fmt: skip
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True
    )
