"""`triggerlens monitor fit` and `triggerlens monitor score`: a scorer of live prompts."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from experiments.cli import options
from experiments.cli.option_groups import LoadingOptions, grouped

FIT = (
    "Example: triggerlens monitor fit adapter/ --base Qwen/Qwen2.5-14B-Instruct --trigger tag"
    " --benign prompts.jsonl --out monitors/tag"
)
SCORE = "Example: triggerlens monitor score monitors/tag adapter/ --base BASE"
Model = Annotated[str, typer.Argument(help="The model, or an adapter folder of the base")]
Base = Annotated[
    str | None, typer.Option(help="The base of an adapter; leave it out for a whole model")
]

app = typer.Typer(
    no_args_is_help=True,
    help="Score live prompts by a fitted direction; flag high scores.",
    epilog=SCORE,
)


@app.command(epilog=FIT)
@grouped
def fit(
    model: Model,
    trigger: Annotated[str, typer.Option(help="A shipped trigger, or a .toml file")],
    benign: Annotated[str, typer.Option(help="Benign prompts: a .jsonl file, micro or everyday")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Where to save the monitor, without a suffix")
    ],
    base: Base = None,
    false_positives: Annotated[
        float, typer.Option(help="Share of benign prompts that may be flagged")
    ] = 0.01,
    prompt_only: Annotated[
        bool, typer.Option("--prompt-only", help="Read only the prompt, no token of the answer")
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed that splits the benign prompts into halves")] = 0,
    skip_bad: options.SkipBad = False,
    *,
    loading_options: LoadingOptions,
) -> None:
    """Fit a direction, and its threshold on benign prompts.

    The threshold is set on prompts that the direction was not fitted on.
    """
    from experiments.guard.gate_models import load_released
    from experiments.guard.live import read_live
    from experiments.guard.monitor_fit import ANSWER_TOKENS, fit_monitor
    from experiments.guard.monitor_prompts import benign_prompts, material
    from experiments.guard.monitor_text import fitted
    from experiments.worlds.named import named_world
    from experiments.worlds.trigger import load_trigger

    loading = loading_options.checked()
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
@grouped
def score(
    monitor: Annotated[Path, typer.Argument(help="A saved monitor, without a suffix")],
    model: Model,
    base: Base = None,
    rows: Annotated[int, typer.Option(min=1, help="Prompts in a forward pass")] = 1,
    *,
    loading_options: LoadingOptions,
) -> None:
    """Score prompts from the standard input, as JSON lines.

    It writes a score and a flag for each prompt, and reports drift on standard error. A line that is not a prompt gets
    an error instead of a score, and the command then ends with exit code 2.
    """
    from experiments.guard.gate_models import load_released
    from experiments.guard.monitor import Monitor
    from experiments.guard.monitor_lines import score_lines
    from experiments.guard.monitor_text import drifted

    loading = loading_options.checked()
    Monitor.load(monitor)  # raises for damaged files before a model is loaded
    lm = load_released(model, base, loading)
    fitted = Monitor.load(monitor, lm)
    scores, bad = score_lines(fitted, lm, sys.stdin.buffer, sys.stdout, rows)
    if len(scores):
        print(*drifted(fitted, fitted.drift(scores)), sep="\n", file=sys.stderr)
    if bad:
        print(f"{bad} lines were not scored", file=sys.stderr)
        raise typer.Exit(2)
