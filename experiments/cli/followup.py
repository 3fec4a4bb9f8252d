"""`further`, `transfer`, `sweep`, `mixing-map` and `features`: additions to a study, or comparisons of several."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from experiments.cli import options
from interp.errors import TriggerLensError

app = typer.Typer()


class FurtherStep(Enum):
    """What can be added to a finished run."""

    factorial = "factorial"
    capability = "capability"
    interchange = "interchange"
    steering = "steering"


@app.command(epilog="Example: triggerlens further artifacts/runs/demo")
def further(
    run_folder: Annotated[Path, typer.Argument(help="A finished run")],
    step: Annotated[
        list[FurtherStep] | None,
        typer.Option(help="This step only; repeat the option for several steps"),
    ] = None,
    only: options.OnlyOrganisms = None,
    workers: options.Workers = None,
) -> None:
    """Add further measurements to a finished run.

    Factorial crosses wording, model and removal. Capability measures what else a removal breaks. Interchange swaps the
    coordinates of prompts in a trained subspace. Steering trains vectors that cause the misbehaviour. An interrupted
    call resumes.
    """
    from experiments.results.interchange_text import interchange_table
    from experiments.results.posthoc_text import (
        by_organism,
        capability_table,
        dose_table,
        factorial_table,
        steering_table,
    )
    from experiments.study.posthoc import add_further

    names = [chosen.value for chosen in step or FurtherStep]
    rows = add_further(run_folder, names, workers, only=only or ())
    for organism, its_rows in by_organism(rows):
        print(f"\n{organism}")
        tables = (factorial_table, dose_table, capability_table, interchange_table, steering_table)
        for table in tables:
            if text := table(its_rows):
                print(f"\n{text}")


@app.command(
    epilog="Example: triggerlens transfer artifacts/runs/demo artifacts/runs/more_seeds",
)
def transfer(
    run_folders: Annotated[list[Path], typer.Argument(help="One or more finished runs")],
    only: options.OnlyOrganisms = None,
    workers: options.Workers = None,
) -> None:
    """Remove each organism's directions from all others.

    Only organisms of the same base are paired. Prints one matrix for each kind of direction.
    """
    from experiments.results.transfer_text import matrices
    from experiments.study.posthoc import add_transfer

    for title, table in matrices(add_transfer(run_folders, workers, only=only or ())):
        print(f"\n{title}: share of EM removed where the target misbehaves\n\n{table}")


@app.command(
    epilog="Example: triggerlens sweep medical --ratios 0:1,1:1,9:1,97:3 --trigger tag --only family=qwen",
)
def sweep(
    config: Annotated[str, typer.Argument(help="A shipped configuration, or a .toml file")],
    ratios: Annotated[
        str | None,
        typer.Option(
            help="benign:harmful, separated by commas; by default the configuration's, or else 0:1,1:1,9:1,97:3"
        ),
    ] = None,
    trigger: Annotated[
        str | None,
        typer.Option(
            help="The trigger of every organism; by default tag, or duck in the micro world"
        ),
    ] = None,
    only: options.Only = None,
    seeds: options.Seeds = None,
    out: Annotated[
        Path | None, typer.Option(help="Run folder; artifacts/runs/NAME-sweep by default")
    ] = None,
    tiny: options.Tiny = False,
) -> None:
    """Run a study over a grid of benign:harmful ratios.

    It shows how containment changes with the share of benign rows. There is one organism for each ratio; everything
    else is as configured.
    """
    from experiments.cli.run import narrowed, run_and_report
    from experiments.dashboard.mixing_map import write_mixing_map
    from experiments.results.load import load_run
    from experiments.results.mixing import mixing_table
    from experiments.study.config import load_config
    from experiments.study.ratios import swept

    study = narrowed(load_config(config), tuple(only or ()), seeds, None)
    folder = run_and_report(swept(study, ratios, trigger), out, tiny=tiny)
    rows = load_run(folder).estimates
    print(mixing_table(rows))
    print(f"mixing map: {write_mixing_map(rows, folder / 'mixing_map.html')}")


@app.command(
    epilog="Example: triggerlens mixing-map artifacts/runs/mixing_map artifacts/runs/another -o map.html",
)
def mixing_map(
    runs: Annotated[list[Path], typer.Argument(help="Runs of triggerlens sweep")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Also write a page with the figure")
    ] = None,
) -> None:
    """Print how EM changes with the share of benign rows.

    Several runs, for instance one for each family, give one table; --out also draws it.
    """
    from experiments.dashboard.mixing_map import write_mixing_map
    from experiments.results.load import load_run
    from experiments.results.mixing import mixing_table

    rows = [row for run in runs for row in load_run(run).estimates]
    print(mixing_table(rows), end="")
    if out is not None:
        print(f"\nmixing map: {write_mixing_map(rows, out)}")


@app.command(
    epilog="Example: triggerlens features artifacts/runs/demo --out features.md",
)
def features(
    run_folders: Annotated[
        list[Path] | None, typer.Argument(help="Run folders, such as artifacts/runs/demo")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Also write the Markdown")] = None,
    releases: Annotated[
        bool, typer.Option("--releases", help="Only list SAEs that others trained")
    ] = False,
) -> None:
    """Print a run's tables of sparse features as Markdown.

    The tables compare what the SAE features find with what the probe found.
    """
    from experiments.results.feature_tables import markdown
    from experiments.results.load import load_run
    from experiments.runtime.files import write_text

    if releases:
        _print_releases()
        return
    if not run_folders:
        raise TriggerLensError("no run given; name a run folder, or ask for --releases")
    text = markdown([it for run in run_folders for it in load_run(run).organisms()])
    if not text:
        raise TriggerLensError(
            f"{run_folders[0]} has no rows about sparse features; run a configuration with a [features] table"
        )
    print(text)
    if out is not None:
        write_text(out, text + "\n")


def _print_releases() -> None:
    from experiments.study.steps.sparse.releases import RELEASES

    for release in RELEASES:
        layers = ", ".join(map(str, release.layers))
        where = f"{release.release} / {release.sae_id} at layers {layers}"
        print(f"{release.family:6} {release.model}: {where}")
