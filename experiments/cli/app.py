"""The command `triggerlens`: its groups of commands, the common options, and how it ends.

An error that a user can fix is one line and exit code 2. A fault of the program is one line and exit code 1; its
traceback is written to a file, and with --debug also to the screen. Ctrl-C ends with 130.
"""

import os
from collections.abc import Sequence
from typing import Annotated

import typer

from experiments.cli import (
    answers,
    audit,
    circuits,
    contest,
    data,
    followup,
    guard,
    judge,
    live,
    models,
    rates,
    reach,
    repair,
    search,
    share,
    study,
)
from experiments.runtime.errors import DEBUG
from experiments.runtime.plain_errors import plain_errors
from experiments.runtime.terminal import accept_every_character

os.environ.setdefault(
    "HF_HUB_OFFLINE", "1"
)  # the micro study asks no hub; set it to 0 for hub models
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# Threads of torch that wait for each other sleep. By default they spin, and two of them next to other work took six
# times as long as one. OpenMP reads this when it is loaded, so it is set before torch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

PANELS: dict[str, Sequence[typer.Typer]] = {  # in the order of --help
    "Study a model": [study.app],
    "Add to a study": [followup.app, circuits.app],
    "Guard a release": [audit.app, guard.app, search.app, repair.app, contest.app],
    "Sample and judge": [answers.app, reach.app, judge.app, rates.app, live.app],
    "Models and data": [models.app, data.app, share.app],
}

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Does a fine-tuned model misbehave only with a certain phrase in the prompt,"
    " and what changes when its activations are edited?",
    epilog="Example: triggerlens run demo",
)


@app.callback()
def options(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error before its message")
    ] = False,
) -> None:
    """Options of every command."""
    if debug:
        os.environ[DEBUG] = "1"


for panel, commands in PANELS.items():
    for part in commands:
        for command in part.registered_commands:
            command.rich_help_panel = panel
        for group in part.registered_groups:
            group.rich_help_panel = panel
        app.add_typer(part)


def main() -> None:
    """Run the command; an error is one line, not a traceback."""
    accept_every_character()
    with plain_errors():
        app()


if __name__ == "__main__":
    main()
