"""`triggerlens plan CONFIG`: what a study will need, and what of it is there already. Nothing is loaded or made."""

from pathlib import Path
from typing import Annotated

import typer

from experiments.runtime.plain_errors import plain_errors

EXAMPLE = "Example: triggerlens plan medical --only family=qwen --card h100"


def plan(
    config: Annotated[str, typer.Argument(help="A shipped configuration or a .toml file")],
    only: Annotated[
        list[str] | None, typer.Option(help="family=NAME or arm=NAME; give one twice for either")
    ] = None,
    seeds: Annotated[str | None, typer.Option(help="Seeds instead of the configuration's")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Run folder; artifacts/runs/NAME by default")
    ] = None,
    card: Annotated[str, typer.Option(help="Which GPU: h100, h200 or a100")] = "h100",
    wide: Annotated[
        bool, typer.Option("--wide", help="Also the answers that each step samples")
    ] = False,
) -> None:
    """Print GPU memory, hours, disk, judge calls and tokens, and what is cached, before anything is spent."""
    from experiments.cli.run import narrowed
    from experiments.study.config import load_config
    from experiments.study.plan_text import print_plan

    with plain_errors():
        study = narrowed(load_config(config), tuple(only or ()), seeds, None)
        print_plan(study, out or Path("artifacts/runs") / study.name, card, wide=wide)
