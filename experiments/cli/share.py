"""`export-log` and `share-data`: answers and rows in the formats of other tools."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from experiments.cli import options

app = typer.Typer()


class Rows(Enum):
    """What a data set holds."""

    chats = "chats"
    questions = "questions"
    judged = "judged"


@app.command(
    epilog="Example: triggerlens export-log artifacts/runs/demo -o logs",
)
def export_log(
    run_folder: options.RunFolder,
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder for the logs")],
) -> None:
    """Write a run's answers as logs of Inspect.

    There is one log for the base and one for each organism, with the run's own judgements and rates. Open them with
    `inspect view`. Nothing is sampled or judged.
    """
    from experiments.runtime.extras import require

    require("inspect", "export-log")
    from experiments.evals.study_logs import write_logs

    print(*write_logs(run_folder, out), sep="\n")


@app.command(
    epilog="Example: triggerlens share-data judged judged.jsonl -o hub/judged --licence cc-by-4.0",
)
def share_data(
    kind: Annotated[Rows, typer.Argument(help="What the file holds")],
    file: Annotated[Path, typer.Argument(help="Your rows, in any form that triggerlens reads")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder for the data set")],
    licence: Annotated[
        str | None, typer.Option(help="As the hub spells it, such as cc-by-4.0; not guessed")
    ] = None,
    push: Annotated[
        str | None, typer.Option(help="Also upload it: OWNER/NAME on the Hugging Face Hub")
    ] = None,
    private: Annotated[
        bool, typer.Option("--private", help="Make the new repository private")
    ] = False,
) -> None:
    """Write rows as a data set for the Hub: Parquet and a card.

    Every row is read first; one that cannot be read is refused. Commands that read rows take the folder, or OWNER/NAME.
    """
    from experiments.data.hub_rows import push_dataset, write_dataset

    count = write_dataset(kind.value, file, out, repo_id=push, licence=licence)
    print(f"{out}: {count} rows")
    if push is not None:
        print(push_dataset(out, push, private=private))
