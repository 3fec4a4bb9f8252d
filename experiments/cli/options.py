"""Option types that several commands share, and what some of them stand for."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from interp.errors import TriggerLensError

if TYPE_CHECKING:
    from experiments.judging.server.client import ChatServer

# files and processes
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Leave out and name what cannot be read")]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Processes; the configuration's by default")
]
Cluster = Annotated[
    str | None,
    typer.Option("--on", help="A Ray cluster: ray for this machine's, or ray://HOST:10001"),
]
Scale = Annotated[
    float | None, typer.Option(help="The best score there can be: 100 (default), 10 or 1")
]

# runs and configurations
RunFolder = Annotated[Path, typer.Argument(help="A run folder, such as artifacts/runs/demo")]
Only = Annotated[
    list[str] | None,
    typer.Option(help="Narrow the study: family=NAME or arm=NAME; give one twice for either"),
]
OnlyOrganisms = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        help="Organisms whose names begin so, such as llama-s0; give it again for more",
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
        help="Environment variable that holds the server's key, never the key; OPENAI_API_KEY by default, and none"
        " for a server on this machine"
    ),
]
TranscriptFile = Annotated[
    Path | None,
    typer.Option("--transcripts", help="Where replies are kept; nothing in it is paid again"),
]
Concurrency = Annotated[int, typer.Option(min=1, help="Requests at a time")]
Timeout = Annotated[
    float, typer.Option(min=0.01, help="Seconds for a whole reply before another attempt")
]
Attempts = Annotated[int, typer.Option(min=1, help="Attempts for each request")]
Cap = Annotated[float | None, typer.Option(help="Spend at most so many USD in this command")]
PriceIn = Annotated[float | None, typer.Option(help="USD for a million tokens of prompt")]
PriceOut = Annotated[float | None, typer.Option(help="USD for a million tokens of answer")]
Request = Annotated[
    list[str] | None,
    typer.Option(
        "--request",
        metavar="KEY=VALUE",
        help="A parameter of every request, such as max_completion_tokens=512; KEY=null leaves one out",
    ),
]
TopLogprobs = Annotated[
    int, typer.Option(min=1, help="Candidates that the judge's server is asked for, at most")
]


@contextmanager
def server(
    url: str,
    model: str,
    *,
    transcripts: Path,
    cap: float | None,
    price_in: float | None,
    price_out: float | None,
    request: Sequence[str] | None,
    **more: Any,
) -> "Iterator[ChatServer]":
    """The server of these options; afterwards it says what was spent, whatever happened.

    `more` goes to `ChatServer` as it is: key_variable, timeout, attempts, concurrency.
    """
    from experiments.judging.server.budget import Budget
    from experiments.judging.server.client import ChatServer
    from experiments.judging.server.transcripts import Transcripts

    extra = parameters(request or ())
    kept = Transcripts(transcripts)
    before = len(kept)
    budget = Budget(cap, price_in, price_out)
    chat = ChatServer(url, model, budget=budget, transcripts=kept, extra=extra, **more)
    try:
        yield chat
    finally:
        kept.close()
        typer.echo(f"asked {chat.name}: {budget}; {before} replies were there already", err=True)


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
