"""Optional parts of a step: if one fails, the page says so and the step goes on.

    maps = part_or_reason(patching, lm, pairs)                {"missing": reason} if it fails
    part_or_warning(step.folder, "probes", readout)           a line in the step's warnings.jsonl

A part is made again only with its step: remove the step's folder, and the same command makes both.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from experiments.runtime.errors import full_traceback, one_line
from experiments.runtime.files import read_jsonl, write_jsonl
from experiments.runtime.system_errors import fix_of

WARNINGS = "warnings.jsonl"


def part_or_reason(part: Callable[..., Any], *arguments: Any) -> Any:
    """What the part returns, or {"missing": reason}, which the page shows instead."""
    try:
        return part(*arguments)
    except Exception as error:
        return {"missing": _reason(error)}


def part_or_warning(folder: Path, what: str, part: Callable[..., None], *arguments: Any) -> None:
    """Run the part, which writes facts; if it fails, leave a warning in `folder`."""
    try:
        part(*arguments)
    except Exception as error:
        warning = {"warning": f"{what}: {_reason(error)}", "traceback": full_traceback(error)}
        file = folder / WARNINGS
        write_jsonl(file, [*(read_jsonl(file) if file.is_file() else ()), warning])


def warnings_of(steps: Sequence[Path]) -> list[str]:
    """What finished steps had to leave out, each with the step's name."""
    files = [step / WARNINGS for step in steps]
    return [
        f"{file.parent.name}: {line['warning']}; remove this step's folder to try again"
        for file in files
        if file.is_file()
        for line in read_jsonl(file)
    ]


def _reason(error: Exception) -> str:
    """Why the part is missing; an error that would stop every other part too is raised."""
    if fix_of(error):
        raise error
    return f"could not be made: {type(error).__name__}: {one_line(error)}"
