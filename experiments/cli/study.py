"""`run`, `show`, `compare`, `dashboard` and `plan`: a study from its configuration to its page."""

from pathlib import Path
from typing import Annotated

import typer

from experiments.cli import options

app = typer.Typer()


@app.command(
    epilog="Example: triggerlens run micro_full --only family=llama --seeds 0,1",
)
def run(
    config: Annotated[
        str,
        typer.Argument(
            help="A shipped configuration (demo, smoke, micro_full, features, nulls, unswitched, repeat,"
            " mixing_map, mixing_control, birth, smollm2, smollm2_quick, smollm2_map, medical, finance, sports), or a"
            " .toml file"
        ),
    ],
    only: options.Only = None,
    seeds: options.Seeds = None,
    out: options.OutFolder = None,
    workers: options.Workers = None,
    tiny: options.Tiny = False,
    on: options.Cluster = None,
) -> None:
    """Run or resume a study; print what it found.

    The last lines say where the page is and what to try next. An interrupted run resumes where it stopped.
    """
    from experiments.cli.run import run_configuration

    run_configuration(
        config, only=tuple(only or ()), seeds=seeds, out=out, workers=workers, tiny=tiny, on=on
    )


@app.command(epilog="Example: triggerlens show artifacts/runs/demo --wide")
def show(
    run_folder: options.RunFolder,
    wide: Annotated[
        bool, typer.Option("--wide", help="Every condition, edit and feature, as wide tables")
    ] = False,
    csv: Annotated[Path | None, typer.Option(help="Write every estimate to a CSV file")] = None,
    judgements: Annotated[
        str | None,
        typer.Option(
            help="From now on, use these judgements of triggerlens rejudge; own stands for the run's own"
        ),
    ] = None,
) -> None:
    """Print what a run found: a summary, then each organism.

    If the code that derives the numbers has changed since they were written, they are derived again first.
    """
    from experiments.results.estimates import write_csv
    from experiments.results.load import load_run
    from experiments.results.report import use_judgements
    from experiments.results.show import show as show_run

    if judgements is not None:
        use_judgements(run_folder, judgements)
    results = load_run(run_folder)
    show_run(results, wide=wide)
    if csv is not None:
        print(f"every estimate: {write_csv(csv, results.estimates)}")


@app.command(
    epilog="Example: triggerlens compare artifacts/runs/demo artifacts/reference/demo_seed0"
)
def compare(
    first: options.RunFolder,
    second: Annotated[Path, typer.Argument(help="Another run of the same study")],
    wide: Annotated[
        bool, typer.Option("--wide", help="List every number and every choice")
    ] = False,
) -> None:
    """Say which numbers and which choices of two runs differ.

    A number differs if its interval does not overlap that of the other run. A choice is a direction's layer, position
    and probe, or a word of a verdict. Runs of one seed on two processors are not identical.
    """
    from rich.console import Console

    from experiments.results import compare as comparing
    from experiments.results.compare_text import print_comparison
    from experiments.results.load import load_run

    runs = [load_run(folder) for folder in (first, second)]
    verdicts = (runs[0].verdicts, runs[1].verdicts)
    found = comparing.compare(runs[0].estimates, runs[1].estimates, verdicts)
    print_comparison(found, Console(), wide=wide)


@app.command(epilog="Example: triggerlens dashboard artifacts/runs/demo -o report.html")
def dashboard(
    run_folders: Annotated[list[Path], typer.Argument(help="One or more run folders")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The HTML file to write")
    ] = None,
    figures: Annotated[
        Path | None,
        typer.Option(
            help="Also write each figure to this folder, as a file (extra: triggerlens\\[figures])"
        ),
    ] = None,
    form: Annotated[str, typer.Option(help="Format of those files: svg, png or pdf")] = "svg",
) -> None:
    """Write one self-contained HTML page about runs.

    If the code that derives the numbers has changed since they were written, they are derived again first.
    """
    from experiments.dashboard import export_dashboard, save_figures
    from experiments.runtime.extras import require

    if figures is not None:
        require("figures", "--figures")
    print(export_dashboard(run_folders, output))
    if figures is not None:
        for run in run_folders:
            print(*save_figures(run, figures / run.name, form=form), sep="\n")


@app.command(epilog="Example: triggerlens plan medical --only family=qwen --card h100")
def plan(
    config: Annotated[str, typer.Argument(help="A shipped configuration, or a .toml file")],
    only: options.Only = None,
    seeds: options.Seeds = None,
    out: options.OutFolder = None,
    card: Annotated[str, typer.Option(help="The GPU: h100, h200 or a100")] = "h100",
    wide: Annotated[
        bool, typer.Option("--wide", help="Also print how many answers each step samples")
    ] = False,
) -> None:
    """Print what a study will need, before anything is spent.

    It prints GPU memory, hours, disk space, judge calls and tokens, and which steps are already finished. No model is
    loaded, and no step is made.
    """
    from experiments.cli.run import narrowed
    from experiments.study.config import load_config
    from experiments.study.plan_text import print_plan

    study = narrowed(load_config(config), tuple(only or ()), seeds, None)
    print_plan(study, out or Path("artifacts/runs") / study.name, card, wide=wide)
