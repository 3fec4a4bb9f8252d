"""Modules that Windows lacks are imported only where they are used."""

import ast
import subprocess
import sys
from collections.abc import Mapping

from house import sources

POSIX = {"fcntl", "resource", "pwd", "grp", "termios", "pty", "tty", "curses", "syslog"}


def early(modules: Mapping[str, str]) -> list[str]:
    """Imports of such modules outside functions."""
    return [
        f"{path}: {name}"
        for path, source in modules.items()
        for node in ast.parse(source).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [getattr(node, "module", None), *(alias.name for alias in node.names)]
        if name in POSIX
    ]


def test_no_module_needs_posix_to_be_imported() -> None:
    assert early(sources()) == []


def test_an_early_import_is_caught_and_a_late_one_is_not() -> None:
    assert early({"interp/a.py": "import os\nimport fcntl"}) == ["interp/a.py: fcntl"]
    assert early({"interp/a.py": "from resource import getrusage"}) == ["interp/a.py: resource"]
    assert early({"interp/a.py": "def late():\n    import fcntl"}) == []


def test_store_servers_and_commands_are_imported_without_such_modules() -> None:
    hidden = "".join(f"sys.modules[{name!r}] = None\n" for name in ("fcntl", "resource", "pwd"))
    modules = (
        "interp.capture.store",
        "experiments.judging.server.client",
        "experiments.cli",
        "experiments.runtime.run_cost",
    )
    wanted = f"import {', '.join(modules)}"
    code = f"import sys\n{hidden}{wanted}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-500:]
