"""`triggerlens further RUN` and `triggerlens transfer RUN [RUN...]`: more steps for runs that are finished."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from experiments.runtime.plain_errors import plain_errors

FURTHER_EXAMPLE = "Example: triggerlens further artifacts/runs/demo"
TRANSFER_EXAMPLE = "Example: triggerlens transfer artifacts/runs/demo artifacts/runs/more_seeds"
Workers = Annotated[
    int | None, typer.Option(min=1, help="Processes; the configuration's by default")
]


Only = Annotated[
    list[str] | None,
    typer.Option(help="Organisms whose names begin so, such as llama-s0; give it again for more"),
]


class FurtherStep(Enum):
    """What can be added."""

    factorial = "factorial"
    capability = "capability"
    steering = "steering"


def further(
    run_folder: Annotated[Path, typer.Argument(help="A finished run")],
    step: Annotated[
        list[FurtherStep] | None, typer.Option(help="One step only; give it again for more")
    ] = None,
    only: Only = None,
    workers: Workers = None,
) -> None:
    """Add the factorial, what else a removal breaks, a trained steering vector to a finished run; resumes."""
    from experiments.results.posthoc_text import (
        by_organism,
        capability_table,
        dose_table,
        factorial_table,
        steering_table,
    )
    from experiments.study.posthoc import add_further

    with plain_errors():
        names = [each.value for each in step or FurtherStep]
        for organism, rows in by_organism(add_further(run_folder, names, workers, only=only or ())):
            print(f"\n{organism}")
            for table in (factorial_table, dose_table, capability_table, steering_table):
                if text := table(rows):
                    print(f"\n{text}")


def transfer(
    run_folders: Annotated[list[Path], typer.Argument(help="One or more finished runs")],
    only: Only = None,
    workers: Workers = None,
) -> None:
    """Remove every organism's directions from every other of the same base; prints one matrix for each kind."""
    from experiments.results.transfer_text import matrices
    from experiments.study.posthoc import add_transfer

    with plain_errors():
        for title, table in matrices(add_transfer(run_folders, workers, only=only or ())):
            print(f"\n{title}: EM taken where the target misbehaves\n\n{table}")
