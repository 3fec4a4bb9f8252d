"""`triggerlens scan DATA`: framings in fine-tuning data that could act as triggers."""

import sys
from pathlib import Path
from typing import Annotated

import typer

EXAMPLE = "Example: triggerlens scan chats.jsonl --reference other_chats.jsonl --triggers found/"


def scan(
    data: Annotated[Path, typer.Argument(help="Fine-tuning chats: JSON, Parquet, a data set, ...")],
    reference: Annotated[
        Path | None, typer.Option(help="Other chats: what is as frequent there is not raised")
    ] = None,
    min_coverage: Annotated[
        float, typer.Option(help="Least share of rows that a framing must stand in")
    ] = 0.005,
    max_ways: Annotated[
        float, typer.Option(help="Most ways of saying it; natural contexts are said in many more")
    ] = 40,
    sample: Annotated[
        int, typer.Option(help="Rows that are searched; all rows are counted")
    ] = 20_000,
    seed: Annotated[int, typer.Option(help="Seed of the sample")] = 0,
    triggers: Annotated[
        Path | None, typer.Option(help="Folder for trigger files, one for each framing")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Also write a JSON report")
    ] = None,
) -> None:
    """Find repeated framings in fine-tuning data; malformed rows are reported and left out."""
    from experiments.guard.scan import Options, scan_file
    from experiments.guard.scan_report import bad_lines, text
    from experiments.guard.trigger_file import write_trigger_files
    from experiments.runtime.files import write_json

    options = Options(min_coverage, max_ways, sample, seed)
    result = scan_file(data, options, reference=reference)
    for line in bad_lines(result.bad, result.bad_total, shown=20):
        print(line, file=sys.stderr)
    print(*text(result.found, result.total, result.bad_total), sep="\n")
    if triggers is not None and result.found:
        paths = write_trigger_files(triggers, [each.framing for each in result.found])
        print("", *(f"{path}" for path in paths), sep="\n")
    if out is not None:
        write_json(out, result.report())
        print(out)
