"""`circuits`: which heads and MLPs carry the trigger's effect, from which tokens, and do seeds agree?"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from experiments.cli import options

app = typer.Typer()


@app.command(epilog="Example: triggerlens circuits circuits --only llama-s0")
def circuits(
    config: Annotated[str, typer.Argument(help="A shipped configuration, or a .toml file")],
    out: options.OutFolder = None,
    only: options.OnlyOrganisms = None,
    seeds: options.Seeds = None,
) -> None:
    """Find the circuit of every organism that has a trigger.

    It fine-tunes organisms that are missing, scores every edge between heads and MLPs, and compares seeds. Scores are
    checked against exact patching, and circuits run alone are compared with random circuits. An interrupted call
    resumes.
    """
    from experiments.cli.run import narrowed
    from experiments.runtime.untrusted_text import inert
    from experiments.study.circuits.study import circuits as measured
    from experiments.study.circuits.text import tables
    from experiments.study.config import load_config

    study = narrowed(load_config(config), (), seeds, None)
    folder = out or Path("artifacts/runs") / study.name

    def say(line: str) -> None:
        print(inert(line), file=sys.stderr, flush=True)

    for title, table in tables(measured(study, folder, only=only or (), say=say)):
        print(f"\n{title}\n\n{table}")
    print(
        f"\nrows: {folder / 'estimates.jsonl'}; pictures and graphs: {folder / 'steps'}/circuits-*"
    )
