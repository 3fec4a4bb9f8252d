"""`triggerlens guard-study RUN`: monitor, ranking, reach, bypass and gate over a run's micro organisms."""

from pathlib import Path
from typing import Annotated

import typer

EXAMPLE = "Example: triggerlens guard-study artifacts/runs/demo --part gate --part bypass"


def guard_study(
    run_folder: Annotated[Path, typer.Argument(help="A finished run of the micro world")],
    part: Annotated[
        list[str] | None, typer.Option(help="monitor, rank, reach, bypass, gate; all by default")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Organisms whose names begin so, such as llama-s0")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder; RUN/guard by default")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="torch threads")] = 1,
) -> None:
    """Measure the guard on every organism of a run; prints Markdown and writes it beside JSON lines."""
    import sys

    import torch

    from experiments.guard.study import PARTS, study
    from experiments.guard.study_text import markdown
    from experiments.runtime.files import write_text
    from experiments.runtime.quiet import quiet

    quiet()
    torch.set_num_threads(threads)
    folder = out or run_folder / "guard"
    found = study(
        run_folder,
        folder,
        part or PARTS,
        only=only or (),
        say=lambda line: print(line, file=sys.stderr, flush=True),
    )
    text = markdown(found)
    print(text, end="")
    print(write_text(folder / "guard.md", text), file=sys.stderr)
