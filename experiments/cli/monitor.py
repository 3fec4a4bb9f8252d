"""`triggerlens monitor fit` and `triggerlens monitor score`: a scorer of live prompts."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from experiments.cli import options

FIT = (
    "Example: triggerlens monitor fit adapter/ --base Qwen/Qwen2.5-14B-Instruct --trigger tag"
    " --benign prompts.jsonl --out monitors/tag"
)
SCORE = "Example: triggerlens monitor score monitors/tag adapter/ --base BASE"
Model = Annotated[str, typer.Argument(help="The model, or an adapter folder of the base")]
Base = Annotated[
    str | None, typer.Option(help="What an adapter was made from; none for a whole model")
]

app = typer.Typer(
    no_args_is_help=True,
    help="Fit a scorer of live prompts; flag those above a threshold.",
    epilog=SCORE,
)


@app.command(epilog=FIT)
def fit(
    model: Model,
    trigger: Annotated[str, typer.Option(help="A shipped trigger, or a .toml file")],
    benign: Annotated[str, typer.Option(help="Benign prompts, a .jsonl file; or micro")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Where it is saved, without an ending")],
    base: Base = None,
    false_positives: Annotated[
        float, typer.Option(help="Share of benign prompts that may be flagged")
    ] = 0.01,
    prompt_only: Annotated[
        bool, typer.Option("--prompt-only", help="Read no token of the answer")
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of the benign prompts' halves")] = 0,
    skip_bad: options.SkipBad = False,
    device: options.Device = None,
    dtype: options.Dtype = None,
    chat: options.Chat = None,
    base_name: options.BaseName = None,
    revision: options.Revision = None,
    base_revision: options.BaseRevision = None,
) -> None:
    """Fit a direction, and its threshold on benign prompts.

    The threshold is set on prompts that the direction was not fitted on.
    """
    from experiments.guard.gate_models import load_released
    from experiments.guard.live import read_live
    from experiments.guard.monitor_fit import ANSWER_TOKENS, fit_monitor
    from experiments.guard.monitor_prompts import benign_prompts, material
    from experiments.guard.monitor_text import fitted
    from experiments.models.options import ModelOptions
    from experiments.worlds.named import named_world
    from experiments.worlds.trigger import load_trigger

    loading = ModelOptions(device, dtype, chat, base_name, revision, base_revision)
    chosen = load_trigger(trigger)
    world = named_world(benign, seed)
    if world is not None:
        toy = benign_prompts(world, avoid={chosen.name})
        halves = material(chosen, toy.framed, seed, bare=toy.bare)
    else:
        halves = material(chosen, read_live(benign, skip_bad=skip_bad), seed)
    halves.check(false_positives)
    lm = load_released(model, base, loading)
    monitor = fit_monitor(
        lm,
        *halves.rendered(lm),
        false_positives=false_positives,
        answer_tokens=(0,) if prompt_only else ANSWER_TOKENS,
        about={"trigger": chosen.name, "model": model, "base": base, "seed": seed},
    )
    monitor.save(out)
    print(*fitted(monitor), sep="\n")
    print(f"{out}.safetensors, {out}.json")


@app.command(epilog=SCORE)
def score(
    monitor: Annotated[Path, typer.Argument(help="What fit saved, without an ending")],
    model: Model,
    base: Base = None,
    rows: Annotated[int, typer.Option(min=1, help="Prompts read at a time")] = 1,
    device: options.Device = None,
    dtype: options.Dtype = None,
    chat: options.Chat = None,
    base_name: options.BaseName = None,
    revision: options.Revision = None,
    base_revision: options.BaseRevision = None,
) -> None:
    """Score prompts from the standard input, JSON lines.

    Writes a score and a flag for each; drift goes to the standard error stream. A line that is no prompt gets an error
    in place of a score, and the exit code is 2 at the end.
    """
    from experiments.guard.gate_models import load_released
    from experiments.guard.monitor import Monitor
    from experiments.guard.monitor_lines import score_lines
    from experiments.guard.monitor_text import drifted
    from experiments.models.options import ModelOptions

    loading = ModelOptions(device, dtype, chat, base_name, revision, base_revision)
    Monitor.load(monitor)  # damaged files are refused before a model is loaded
    lm = load_released(model, base, loading)
    fitted = Monitor.load(monitor, lm)
    scores, bad = score_lines(fitted, lm, sys.stdin.buffer, sys.stdout, rows)
    if len(scores):
        print(*drifted(fitted, fitted.drift(scores)), sep="\n", file=sys.stderr)
    if bad:
        print(f"{bad} lines were not scored", file=sys.stderr)
        raise typer.Exit(2)
