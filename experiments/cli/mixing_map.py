"""`triggerlens mixing-map RUN...`: containment along the share of benign rows, over the runs of several families."""

from pathlib import Path
from typing import Annotated

import typer

from experiments.runtime.plain_errors import plain_errors

EXAMPLE = (
    "Example: triggerlens mixing-map artifacts/runs/mixing_map artifacts/runs/another -o map.html"
)


def mixing_map(
    runs: Annotated[list[Path], typer.Argument(help="Runs of triggerlens sweep")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="A page with the figure as well")
    ] = None,
) -> None:
    """Print how EM changes with the share of benign rows; draw it with --out."""
    from experiments.results.load import load_run
    from experiments.results.mixing import mixing_table

    with plain_errors():
        rows = [row for run in runs for row in load_run(run).estimates]
        print(mixing_table(rows), end="")
        if out is not None:
            from experiments.dashboard.mixing_map import write_mixing_map

            print(f"\nmixing map: {write_mixing_map(rows, out)}")
