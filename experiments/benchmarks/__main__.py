"""`python -m experiments.benchmarks [NAME ...]`: run benchmarks, print them, leave records in `artifacts/bench/`.

A benchmark is a module beside this one with `run()`, which returns one record or several: name, ratio, target, reached.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from experiments.runtime.files import write_json
from experiments.runtime.quiet import quiet


def benchmarks() -> dict[str, Any]:
    """Every module of this folder that can be run, by name."""
    names = [found.name for found in iter_modules([str(Path(__file__).parent)])]
    modules = {
        name: import_module(f"experiments.benchmarks.{name}")
        for name in sorted(names)
        if name != "__main__"
    }
    return {name: module for name, module in modules.items() if hasattr(module, "run")}


def main(wanted: Sequence[str] = ()) -> None:
    """One line for each record, one file for each benchmark; all benchmarks unless some are named."""
    known = benchmarks()
    for name in wanted:
        if name not in known:
            raise ValueError(f"no benchmark {name!r}; there are {', '.join(known)}")
    quiet()
    for name in wanted or known:
        found = known[name].run()
        records: list[dict[str, Any]] = []
        for each in [found] if isinstance(found, dict) else found:
            records.append(each)
            write_json(
                Path("artifacts/bench") / f"{name}.json",
                found if isinstance(found, dict) else records,
            )
            missed = "" if each["reached"] else ", missed"
            print(
                f"{each['name']}: {each['ratio']:.2f} (aim: {each['target']:.2f}{missed})",
                flush=True,
            )


if __name__ == "__main__":
    main(sys.argv[1:])
