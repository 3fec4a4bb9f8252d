"""Options that several commands share, and the values of --request."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from interp.errors import TriggerLensError

# files and processes
SkipBad = Annotated[
    bool, typer.Option("--skip-bad", help="Leave out rows that cannot be read, and list them")
]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Processes; the configuration's by default")
]
Cluster = Annotated[
    str | None,
    typer.Option("--on", help="A Ray cluster: ray for this machine's, or ray://HOST:10001"),
]
Scale = Annotated[
    float | None, typer.Option(help="The best possible score: 100 (default), 10 or 1")
]

# runs and configurations
RunFolder = Annotated[Path, typer.Argument(help="A run folder, such as artifacts/runs/demo")]
Only = Annotated[
    list[str] | None,
    typer.Option(help="Narrow the study to family=NAME or arm=NAME; repeat the option for several"),
]
OnlyOrganisms = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        help="Only organisms whose names begin with this, such as llama-s0; repeatable",
    ),
]
Seeds = Annotated[
    str | None, typer.Option(help="Seeds instead of the configuration's, such as 0,1,2")
]
OutFolder = Annotated[Path | None, typer.Option(help="Run folder; artifacts/runs/NAME by default")]
Tiny = Annotated[
    bool, typer.Option("--tiny", help="A dry run of every step on tiny random models, on a CPU")
]

# models on this machine
FineTuned = Annotated[
    str, typer.Argument(help="Fine-tuned model, or an adapter folder of the base")
]
Device = Annotated[
    str | None,
    typer.Option(
        help="cpu, cuda:1, mps, or auto for all GPUs; by default the GPUs, if there are any"
    ),
]
Dtype = Annotated[
    str | None,
    typer.Option(
        help="float32, bfloat16, float16, or auto (the checkpoint's own); by default float32 on a CPU, else auto"
    ),
]
Chat = Annotated[
    str | None,
    typer.Option(help="Pinned chat format: qwen, llama or gemma; by default the model's own"),
]
BaseName = Annotated[
    str | None,
    typer.Option(
        help="The name of the base that the adapter records, if --base is another copy of it"
    ),
]
Revision = Annotated[
    str | None, typer.Option(help="Branch, tag or commit of MODEL, for a name on the hub")
]
BaseRevision = Annotated[str | None, typer.Option(help="Branch, tag or commit of --base")]

# models behind a server
ServerModel = Annotated[
    str, typer.Option("--model", help="The model's name, as the server knows it")
]
Server = Annotated[
    str | None,
    typer.Option(help="Address of an OpenAI-compatible server, such as http://localhost:8000/v1"),
]
KeyVariable = Annotated[
    str | None,
    typer.Option(
        help="Name of the environment variable with the server's key, not the key itself; by default OPENAI_API_KEY,"
        " and none for a server on this machine"
    ),
]
Request = Annotated[
    list[str] | None,
    typer.Option(
        "--request",
        metavar="KEY=VALUE",
        help="A parameter for every request, such as max_completion_tokens=512; KEY=null leaves it out",
    ),
]
TopLogprobs = Annotated[
    int,
    typer.Option(min=1, help="Number of candidates for a token to request from the judge's server"),
]


def parameters(pairs: Sequence[str]) -> dict[str, Any]:
    """The parameters of --request; a value is JSON, or else text."""
    values: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.isidentifier():
            raise TriggerLensError(f"--request {pair!r}: give KEY=VALUE, such as temperature=0.5")
        try:
            values[name] = json.loads(value)
        except ValueError:
            values[name] = value
    return values
