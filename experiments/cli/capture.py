"""`triggerlens capture MODEL --out FOLDER`: activations to a store, by one process for each GPU or on a cluster."""

from pathlib import Path
from typing import Annotated

import typer

from experiments.cli import model_options as options
from experiments.runtime.plain_errors import plain_errors

EXAMPLE = "Example: triggerlens capture MODEL --questions chats.jsonl --layers 12,16 --position all_tokens --out store"


def capture(
    model: Annotated[str, typer.Argument(help="A folder, or a name on the hub")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the store")],
    adapter: Annotated[str | None, typer.Option(help="A LoRA on top")] = None,
    questions: Annotated[
        str, typer.Option(help="main, broad, a .yaml file, or chats in any form")
    ] = "broad",
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave out and name what cannot be read")
    ] = False,
    trigger: Annotated[
        str | None, typer.Option(help="Ask under its wordings too: a shipped trigger, or a .toml")
    ] = None,
    chat: options.Chat = None,
    device: options.Device = None,
    base_name: options.BaseName = None,
    revision: options.Revision = None,
    adapter_revision: Annotated[
        str | None, typer.Option(help="Branch, tag or commit of --adapter")
    ] = None,
    layers: Annotated[str | None, typer.Option(help="Such as 12,16; all by default")] = None,
    position: Annotated[
        list[str] | None, typer.Option(help="last_prompt_token, question_mean, all_tokens, ...")
    ] = None,
    site: Annotated[
        list[str] | None, typer.Option(help="resid_post, attn_out or mlp_out; give several")
    ] = None,
    dtype: Annotated[str, typer.Option(help="Of the model and the store")] = "float32",
    shard_mib: Annotated[float, typer.Option(help="MiB a shard")] = 32.0,
    batch_tokens: Annotated[int, typer.Option(min=1, help="Tokens a forward pass")] = 4096,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; one for each GPU by default")
    ] = None,
    on: Annotated[
        str | None,
        typer.Option(help="A Ray cluster: ray for this machine's, or ray://HOST:10001"),
    ] = None,
    cpus: Annotated[float, typer.Option(min=0, help="Processors a shard, with --on")] = 1.0,
    gpus: Annotated[
        float | None, typer.Option(min=0, help="GPUs a shard, with --on; one where there are any")
    ] = None,
    memory_gib: Annotated[float, typer.Option(min=0, help="Memory a shard, with --on")] = 0.0,
) -> None:
    """Read activations into a store, shard by shard; a killed call goes on where it stopped."""
    from experiments.captures.shards import capture_to
    from experiments.captures.spec import CaptureSpec
    from experiments.runtime.gpus import visible_gpus
    from experiments.study.cluster import check_place
    from experiments.study.config import Needs
    from interp.capture.store import ActivationStore

    with plain_errors():
        if on is not None:
            check_place(on)
        spec = CaptureSpec(
            model,
            adapter=adapter,
            questions=questions,
            skip_bad=skip_bad,
            trigger=trigger,
            chat=chat,
            layers=None if layers is None else _numbers(layers),
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
        print(f"{out}: {len(store):,} rows in {len(store.manifest.shards)} shards, {made} made now")


def _numbers(layers: str) -> tuple[int, ...]:
    if not all(part.strip().isdigit() for part in layers.split(",")):
        raise ValueError(f"--layers {layers!r}: give whole numbers with commas between")
    return tuple(int(part) for part in layers.split(","))
