"""`python -m experiments.benchmarks [NAME ...]`: run benchmarks, print them, and write records to `artifacts/bench/`.

A benchmark is a module in this folder with `run()`, which returns one or more records: name, ratio, target, reached.
Each record is kept with the command, commit and day that made it.
"""

import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from experiments.runtime.files import write_json
from experiments.runtime.provenance import git_state
from experiments.runtime.quiet import quiet
from interp.errors import TriggerLensError


def benchmarks() -> dict[str, Callable[[], Any]]:
    """A function that imports each runnable module of this folder, by name; none is imported yet."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    named = [file.stem for file in files if "\ndef run(" in file.read_text("utf-8")]
    return {name: partial(import_module, f"experiments.benchmarks.{name}") for name in named}


def main(wanted: Sequence[str] = ()) -> None:
    """One line for each record, one file for each benchmark; all benchmarks unless some are named."""
    known = benchmarks()
    for name in wanted:
        if name not in known:
            raise TriggerLensError(f"no benchmark {name!r}; there are {', '.join(known)}")
    quiet()
    for name in wanted or [each for each in known if not _only_when_named(each)]:
        origin = _origin(name)
        records: list[dict[str, Any]] = []
        made = known[name]().run()
        for record in [made] if isinstance(made, dict) else made:
            records.append({**record, **origin})
            write_json(Path("artifacts/bench") / f"{name}.json", records)
            print(_line(record), flush=True)


def _only_when_named(name: str) -> bool:
    text = (Path(__file__).parent / f"{name}.py").read_text("utf-8")  # so that nothing is imported
    return "\nONLY_WHEN_NAMED = True" in text


def _origin(name: str) -> dict[str, Any]:
    commit, day = git_state()["commit"], datetime.now(UTC).date().isoformat()
    return {"command": f"triggerlens bench {name}", "commit": commit, "date": day}


def _line(record: dict[str, Any]) -> str:
    missed = "" if record["reached"] else ", missed"
    return f"{record['name']}: {record['ratio']:.2f} (aim: {record['target']:.2f}{missed})"


if __name__ == "__main__":
    main(sys.argv[1:])
