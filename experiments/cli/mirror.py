"""`triggerlens mirror push RUN URL` and `pull URL RUN`: a finished run to another place, and back."""

from pathlib import Path
from typing import Annotated

import typer

from experiments.runtime.plain_errors import plain_errors

app = typer.Typer(
    no_args_is_help=True,
    help="A finished run copied to a shared folder or an object store, and back.",
    epilog="Example: triggerlens mirror pull s3://bucket/demo artifacts/runs/demo",
)
RunFolder = Annotated[Path, typer.Argument(help="A run folder, such as artifacts/runs/demo")]
Url = Annotated[str, typer.Argument(help="Such as file:///shared/demo or s3://bucket/demo")]


@app.command(epilog="Example: triggerlens mirror push artifacts/runs/demo s3://bucket/demo")
def push(run_folder: RunFolder, url: Url) -> None:
    """Copy what the place lacks of a finished run."""
    from experiments.mirrored_runs import open_mirror, push_run

    with plain_errors():
        push_run(run_folder, open_mirror(url, run_folder))
        print(f"{url}: all of {run_folder}")


@app.command(epilog="Example: triggerlens mirror pull s3://bucket/demo artifacts/runs/demo")
def pull(url: Url, run_folder: RunFolder) -> None:
    """Copy a finished run from there; every file is checked."""
    from experiments.mirror import Mirror
    from experiments.mirrored_runs import pull_run

    with plain_errors():
        pull_run(run_folder, Mirror(url))
        print(f"{run_folder}: all of {url}")
