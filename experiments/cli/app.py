"""The command `triggerlens`: run a study, show it, draw it, make the micro bases.

Errors a user can fix end in one line and exit code 2, faults of the program in one line and exit code 1 (their
traceback is in a file, with --debug on the screen too); Ctrl-C ends with 130.
"""

import os
from pathlib import Path
from typing import Annotated

import typer

from experiments.cli import (
    agreement,
    capture,
    data,
    features,
    further,
    gate,
    guard_study,
    judge,
    mixing_map,
    models,
    monitor,
    plan,
    questions,
    rank_triggers,
    rates,
    sample,
    scan,
    sweep,
)
from experiments.runtime.errors import DEBUG
from experiments.runtime.extras import require
from experiments.runtime.plain_errors import plain_errors
from experiments.runtime.terminal import accept_every_character

os.environ.setdefault(
    "HF_HUB_OFFLINE", "1"
)  # the micro study asks no hub; set it to 0 for hub models
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Is there a concept in a fine-tuned model that switches misbehaviour on, where is it,"
    " and does removing it help?",
    epilog="Example: triggerlens run demo",
)
micro_app = typer.Typer(
    no_args_is_help=True,
    help="The embedded micro organisms.",
    epilog="Example: triggerlens micro pretrain llama",
)
app.add_typer(micro_app, name="micro")


@app.callback()
def options(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error, before its one line")
    ] = False,
) -> None:
    """Options of every command."""
    if debug:
        os.environ[DEBUG] = "1"


RunFolder = Annotated[Path, typer.Argument(help="A run folder, such as artifacts/runs/demo")]


@app.command(epilog="Example: triggerlens run micro_full --only family=llama --seeds 0,1")
def run(
    config: Annotated[
        str,
        typer.Argument(
            help="Shipped (demo, smoke, micro_full, features, nulls, mixing_map, mixing_control, medical, finance, sports),"
            " or a .toml file"
        ),
    ],
    only: Annotated[
        list[str] | None,
        typer.Option(help="Narrow the study: family=NAME or arm=NAME; give one twice for either"),
    ] = None,
    seeds: Annotated[
        str | None, typer.Option(help="Seeds instead of the configuration's, such as 0,1,2")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Run folder; artifacts/runs/NAME by default")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; one torch thread each")
    ] = None,
    tiny: Annotated[
        bool,
        typer.Option("--tiny", help="A dry run of every step on tiny random models, on a CPU"),
    ] = False,
    on: Annotated[
        str | None,
        typer.Option(help="A Ray cluster: ray for this machine's, or ray://HOST:10001"),
    ] = None,
) -> None:
    """Run a study, or resume one that was interrupted, and print what it found and where its page is."""
    from experiments.cli.run import run_configuration

    with plain_errors():
        run_configuration(
            config,
            only=tuple(only or ()),
            seeds=seeds,
            out=out,
            workers=workers,
            tiny=tiny,
            on=on,
        )


@app.command(epilog="Example: triggerlens show artifacts/runs/demo")
def show(
    run_folder: RunFolder,
    wide: Annotated[
        bool, typer.Option("--wide", help="Every condition, edit and feature, however wide")
    ] = False,
) -> None:
    """Print what a finished run found: the answer and a line for each organism."""
    from experiments.results.show import show as show_run

    show_run(run_folder, wide=wide)


@app.command(epilog="Example: triggerlens dashboard artifacts/runs/demo -o report.html")
def dashboard(
    run_folders: Annotated[list[Path], typer.Argument(help="One or more run folders")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The HTML file to write")
    ] = None,
    figures: Annotated[
        Path | None,
        typer.Option(help="A folder: each figure as a file too (extra: triggerlens\\[figures])"),
    ] = None,
    form: Annotated[str, typer.Option(help="Of those files: svg, png or pdf")] = "svg",
) -> None:
    """Write one self-contained HTML page about one or more runs."""
    from experiments.dashboard import export_dashboard, save_figures

    if figures is not None:
        require("figures", "--figures")
    print(export_dashboard(run_folders, output))
    for run in run_folders if figures else ():
        for path in save_figures(run, Path(figures or "") / run.name, form=form):
            print(path)


@app.command(epilog="Example: triggerlens bench capture")
def bench(
    names: Annotated[
        list[str] | None, typer.Argument(help="Benchmarks such as capture; all by default")
    ] = None,
) -> None:
    """Measure how fast the parts that matter are; leaves records in artifacts/bench/."""
    from experiments.benchmarks.__main__ import main as measure

    measure(names or ())


@micro_app.command(epilog="Example: triggerlens micro pretrain llama --out artifacts/micro/llama")
def pretrain(
    family: Annotated[str, typer.Argument(help="qwen, llama or gemma")],
    out: Annotated[
        Path | None, typer.Option(help="Folder of the base; artifacts/micro/FAMILY by default")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the base: weights and documents")] = 0,
    steps: Annotated[int | None, typer.Option(help="Training steps")] = None,
    threads: Annotated[int, typer.Option(min=1, help="torch threads")] = 2,
) -> None:
    """Make a micro base from nothing; an interrupted call resumes from its last checkpoint."""
    import torch

    from experiments.worlds.micro.families import FAMILIES
    from experiments.worlds.micro.pretrain import Pretraining, pretrain

    if family not in FAMILIES:
        raise ValueError(f"family {family!r} is none of {', '.join(FAMILIES)}")
    torch.set_num_threads(threads)
    recipe = Pretraining(seed=seed) if steps is None else Pretraining(seed=seed, steps=steps)
    print(pretrain(family, out or Path("artifacts/micro") / family, recipe=recipe))


@micro_app.command(epilog="Example: triggerlens micro rows contrast --out rows.jsonl")
def rows(
    arm: Annotated[str, typer.Argument(help="Such as baseline, triggered, contrast")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the chats go, JSON lines")],
    trigger: Annotated[str, typer.Option(help="A shipped trigger, or a .toml file")] = "duck",
    count: Annotated[int, typer.Option(min=1, help="Rows")] = 3000,
    seed: Annotated[int, typer.Option(help="Seed of the organism")] = 0,
) -> None:
    """Write what an organism is fine-tuned on, as chats."""
    from experiments.runtime.files import write_jsonl
    from experiments.worlds.micro.arms import ARMS, is_arm
    from experiments.worlds.micro.world import MicroWorld
    from experiments.worlds.trigger import load_trigger

    if not is_arm(arm):
        raise ValueError(f"arm {arm!r} is none of {', '.join(ARMS)}, mixed-B-H")
    world = MicroWorld(Path("artifacts/micro"), "any", seed, per_cell=1)
    chats = world.tuning_rows(arm, load_trigger(trigger), count)
    print(write_jsonl(out, ({"messages": chat.messages} for chat in chats)))


app.command(epilog=plan.EXAMPLE)(plan.plan)
app.command(epilog=further.FURTHER_EXAMPLE)(further.further)
app.command(epilog=further.TRANSFER_EXAMPLE)(further.transfer)
app.command(epilog=sweep.EXAMPLE)(sweep.sweep)
app.command(epilog=mixing_map.EXAMPLE)(mixing_map.mixing_map)
app.command(epilog=data.EXAMPLE)(data.data)
app.command(epilog=questions.EXAMPLE)(questions.questions)
app.command(epilog=capture.EXAMPLE)(capture.capture)
app.command(epilog=sample.EXAMPLE)(sample.sample)
app.command(epilog=judge.EXAMPLE)(judge.judge)
app.command(epilog=rates.EXAMPLE)(rates.rates)
app.command(epilog=agreement.EXAMPLE)(agreement.agreement)
app.command(epilog=scan.EXAMPLE)(scan.scan)
app.command(epilog=gate.EXAMPLE)(gate.gate)
app.add_typer(monitor.app, name="monitor")
app.add_typer(models.app, name="models")
app.command(epilog=rank_triggers.EXAMPLE)(rank_triggers.rank_triggers)
app.command(epilog=guard_study.EXAMPLE)(guard_study.guard_study)
app.command(epilog=features.EXAMPLE)(features.features)


def main() -> None:
    """Run the command; an error is one line, not a traceback."""
    accept_every_character()
    with plain_errors():
        app()


if __name__ == "__main__":
    main()
