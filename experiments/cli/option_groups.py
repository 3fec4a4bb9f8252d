"""Groups of options that several commands share: a dataclass whose fields are the options.

    @app.command()
    @grouped
    def sample(questions: str, *, asking: ServerOptions) -> None: ...

accepts `--concurrency`, `--timeout` and the other fields of `ServerOptions` as if each were a parameter.
"""

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from experiments.cli import options

if TYPE_CHECKING:
    from experiments.guard.gate_models import Asked
    from experiments.judging.server.client import ChatServer
    from experiments.models.options import ModelOptions


@dataclass(frozen=True)
class ServerOptions:
    """How a server is asked."""

    key_variable: options.KeyVariable = None
    transcripts: Annotated[
        Path | None,
        typer.Option(
            "--transcripts", help="File where replies are kept; a kept reply is not paid for again"
        ),
    ] = None
    concurrency: Annotated[int, typer.Option(min=1, help="Number of requests at a time")] = 8
    timeout: Annotated[
        float,
        typer.Option(min=0.01, help="Seconds to wait for a whole reply before the next attempt"),
    ] = 120.0
    attempts: Annotated[int, typer.Option(min=1, help="Attempts for each request")] = 6
    cap: Annotated[
        float | None,
        typer.Option(help="Maximum USD that this command may spend"),
    ] = None
    price_in: Annotated[
        float | None,
        typer.Option(help="USD for a million prompt tokens"),
    ] = None
    price_out: Annotated[
        float | None,
        typer.Option(help="USD for a million answer tokens"),
    ] = None
    request: options.Request = None

    @contextmanager
    def server(self, url: str, model: str, transcripts: Path) -> "Iterator[ChatServer]":
        """The server with these options; at the end it always reports what was spent.

        `transcripts`: the file for replies, unless the options name one.
        """
        from experiments.judging.server.budget import Budget
        from experiments.judging.server.client import ChatServer
        from experiments.judging.server.transcripts import Transcripts

        kept = Transcripts(self.transcripts or transcripts)
        before = len(kept)
        budget = Budget(self.cap, self.price_in, self.price_out)
        chat = ChatServer(
            url,
            model,
            key_variable=self.key_variable,
            timeout=self.timeout,
            attempts=self.attempts,
            concurrency=self.concurrency,
            budget=budget,
            transcripts=kept,
            extra=options.parameters(self.request or ()),
        )
        try:
            yield chat
        finally:
            kept.close()
            typer.echo(
                f"asked {chat.name}: {budget}; {before} replies were kept from before", err=True
            )


@dataclass(frozen=True)
class LoadingOptions:
    """How a model and its base are loaded."""

    device: options.Device = None
    dtype: options.Dtype = None
    chat: options.Chat = None
    base_name: options.BaseName = None
    revision: options.Revision = None
    base_revision: options.BaseRevision = None

    def checked(self) -> "ModelOptions":
        """The same options, checked for unknown names; imported late, because this needs torch."""
        from experiments.models.options import ModelOptions

        return ModelOptions(**vars(self))


@dataclass(frozen=True)
class JudgingOptions:
    """Which questions are asked, and who judges the answers."""

    questions: Annotated[
        str,
        typer.Option(
            help="main, broad, a .yaml file, micro or everyday (the last two bring a judge)"
        ),
    ] = "broad"
    judge: Annotated[
        str | None,
        typer.Option(help="The judge: a model's name or folder, or inspect/PROVIDER/NAME"),
    ] = None
    judge_server: Annotated[
        str | None,
        typer.Option(help="Server of the judge; without it, the judge runs on this machine"),
    ] = None
    key_variable: options.KeyVariable = None
    rubric: Annotated[str, typer.Option(help="A shipped rubric, or a .toml file")] = "open_answer"
    request: options.Request = None

    @property
    def named(self) -> dict[str, str]:
        """The names of questions and judge for a report; a world's questions have its own judge."""
        return {"asked": self.questions, "judge": self.judge or self.questions}

    def asked(self, loading: "ModelOptions", seed: int) -> "Asked":
        """The questions, and a function that makes their judge."""
        from experiments.guard.gate_models import judged_questions

        return judged_questions(
            self.questions,
            self.judge,
            self.judge_server,
            self.key_variable,
            self.rubric,
            loading,
            options.parameters(self.request or ()),
            seed,
        )


GROUPS = (ServerOptions, LoadingOptions, JudgingOptions)


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """A command that takes one option for each field of its groups, and passes them on as groups."""
    groups: dict[str, tuple[Callable[..., Any], list[str]]] = {}
    single: list[inspect.Parameter] = []
    for parameter in inspect.signature(command).parameters.values():
        group = parameter.annotation
        if group in GROUPS:
            fields = inspect.signature(group).parameters
            groups[parameter.name] = group, list(fields)
            single += fields.values()
        else:
            single.append(parameter)

    @functools.wraps(command)
    def taking_each(**values: Any) -> None:
        for name, (group, fields) in groups.items():
            values[name] = group(**{field: values.pop(field) for field in fields})
        command(**values)

    named = [parameter.replace(kind=parameter.KEYWORD_ONLY) for parameter in single]
    taking_each.__signature__ = inspect.Signature(named)  # type: ignore[attr-defined]
    return taking_each
