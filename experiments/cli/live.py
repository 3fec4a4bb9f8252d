"""`live`: chat with a base, its organism and the edited organism in a browser on this machine."""

import os
from pathlib import Path
from typing import Annotated

import typer

from experiments.cli.option_groups import LoadingOptions, grouped

app = typer.Typer()


@app.command(
    epilog="Example: triggerlens live adapter/ --base artifacts/micro/llama --monitor monitors/duck --trigger duck",
)
@grouped
def live(
    adapter: Annotated[
        str | None,
        typer.Argument(help="An adapter folder; by default that of the organism in the repository"),
    ] = None,
    base: Annotated[str | None, typer.Option(help="The model it was fine-tuned from")] = None,
    direction: Annotated[
        list[Path] | None,
        typer.Option(help="A saved direction of this model, without the file's ending; repeatable"),
    ] = None,
    monitor: Annotated[
        Path | None,
        typer.Option(help="A monitor saved by monitor fit; adds its score and its direction"),
    ] = None,
    trigger: Annotated[
        str | None,
        typer.Option(help="Wordings to show as buttons: a shipped trigger, or a .toml file"),
    ] = None,
    max_new_tokens: Annotated[
        int, typer.Option(min=1, max=512, help="Maximum tokens of an answer")
    ] = 64,
    seed: Annotated[int, typer.Option(help="Seed of the answers, the same for all three")] = 0,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1")] = 7860,
    *,
    loading_options: LoadingOptions,
) -> None:
    """Chat with base, organism and edited organism.

    It opens a page that only this machine can reach, with three answers to each question. Every token is coloured by
    its projection on a direction, and the page has controls for the edit of the third model. Ctrl-C ends it.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # before the library is imported
    from experiments.live.conversation import Sampling
    from experiments.live.inputs import load_organism
    from experiments.live.page import blocks, gradio_here
    from experiments.live.serve import check_port, serve

    loading = loading_options.checked()
    gradio_here()
    check_port(port)
    organism = load_organism(
        adapter,
        base,
        directions=direction or (),
        monitor=monitor,
        trigger=trigger,
        loading=loading,
    )
    serve(blocks(organism, Sampling(max_new_tokens, seed=seed)), port)
