"""Other libraries' own code, out of their wheels: `make other-tools` fetches them, and nothing is installed.

repeng wants a numpy below 2 and steering-vectors a transformers below 5, so neither can be installed beside what is
pinned here; a wheel on the module path runs as it is.
"""

import importlib
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

WHEELS = Path(os.environ.get("TRIGGERLENS_OTHER_TOOLS", ".venv/other_tools"))
VERSIONS = {"repeng": "0.4.0", "steering_vectors": "0.12.2", "eai_sparsify": "1.3.3"}
BESIDE = ("simple_parsing", "docstring_parser", "natsort", "schedulefree")  # what sparsify imports


def theirs(module: str, wheel: str | None = None) -> Any:
    """The module of a library, imported from its wheel; the test is skipped where it was not fetched."""
    wheel = wheel or module
    pattern = f"{wheel}-{VERSIONS[wheel]}-*.whl"
    found = [*WHEELS.glob(pattern), *(p for name in BESIDE for p in WHEELS.glob(f"{name}-*.whl"))]
    if not any(path.match(pattern) for path in found):
        pytest.skip(f"no {pattern} in {WHEELS}: make other-tools")
    sys.path += [str(path) for path in found if str(path) not in sys.path]
    if not hasattr(np, "float_"):
        np.float_ = np.float64  # type: ignore[attr-defined]  # which repeng names, and numpy 2 dropped
    return importlib.import_module(module)
