"""The options of every command that loads a model."""

from typing import Annotated

import typer

Device = Annotated[
    str | None,
    typer.Option(help="cpu, cuda:1, mps, or auto for all GPUs; the GPUs where there are any"),
]
Dtype = Annotated[
    str | None,
    typer.Option(
        help="float32, bfloat16, float16, or auto, the checkpoint's own; float32 on a CPU, else auto"
    ),
]
Chat = Annotated[
    str | None, typer.Option(help="Pinned chat format: qwen, llama, gemma; else of the model")
]
BaseName = Annotated[
    str | None,
    typer.Option(help="What the adapter calls its base, where that is another copy of --base"),
]
Revision = Annotated[
    str | None, typer.Option(help="Branch, tag or commit of MODEL, for a name on the hub")
]
BaseRevision = Annotated[str | None, typer.Option(help="Branch, tag or commit of --base")]
