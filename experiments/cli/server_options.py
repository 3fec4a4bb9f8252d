"""The options of every command that asks a server."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from experiments.judging.server.client import ChatServer

Model = Annotated[str, typer.Option(help="The model's name, as the server knows it")]
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
PriceIn = Annotated[float | None, typer.Option(help="USD for a million tokens of prompt")]
PriceOut = Annotated[float | None, typer.Option(help="USD for a million tokens of answer")]


@contextmanager
def server(
    url: str,
    model: str,
    *,
    key_variable: str | None,
    transcripts: Path,
    concurrency: int,
    timeout: float,
    attempts: int,
    cap: float | None,
    price_in: float | None,
    price_out: float | None,
    request: Sequence[str] = (),
) -> "Iterator[ChatServer]":
    """The server of these options; afterwards it says what was spent, whatever happened."""
    from experiments.judging.server.budget import Budget
    from experiments.judging.server.client import ChatServer
    from experiments.judging.server.transcripts import Transcripts

    extra = parameters(request)
    kept = Transcripts(transcripts)
    before = len(kept)
    budget = Budget(cap, price_in, price_out)
    made = ChatServer(
        url,
        model,
        key_variable=key_variable,
        timeout=timeout,
        attempts=attempts,
        concurrency=concurrency,
        budget=budget,
        transcripts=kept,
        extra=extra,
    )
    try:
        yield made
    finally:
        kept.close()
        typer.echo(f"asked {made.name}: {budget}; {before} replies were there already", err=True)


def parameters(pairs: Sequence[str]) -> dict[str, Any]:
    """The parameters of --request; a value is JSON, or else text."""
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.isidentifier():
            raise ValueError(f"--request {pair!r}: give KEY=VALUE, such as temperature=0.5")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found
