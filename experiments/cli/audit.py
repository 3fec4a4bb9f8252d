"""`audit`: all of the guard's checks of one adapter before its release, in one command."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from experiments.cli.option_groups import JudgingOptions, LoadingOptions, grouped
from interp.errors import TriggerLensError

app = typer.Typer()


@app.command(
    epilog="Example: triggerlens audit adapter/ --base artifacts/micro/llama --questions micro --max-new-tokens 28"
    " --budget 10 --out audit/",
)
@grouped
def audit(
    adapter: Annotated[
        str, typer.Argument(help="An adapter of the base, a whole model, or a name on --server")
    ],
    base: Annotated[str | None, typer.Option(help="The model it was fine-tuned from")] = None,
    budget: Annotated[float, typer.Option(help="Minutes for the whole audit")] = 30.0,
    trigger: Annotated[
        list[str] | None,
        typer.Option(
            help="Known wordings: a .toml file, a shipped trigger, library or library:KIND"
        ),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="The fine-tuning data: JSON, Parquet, a data set, ...")
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder of reports and finished parts")
    ] = Path("audit"),
    error: Annotated[
        float,
        typer.Option(help="Chance of accusing any wording that does not make the model worse"),
    ] = 0.05,
    answers: Annotated[int, typer.Option(min=1, help="Answers to each question and wording")] = 4,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Maximum tokens of an answer")] = 512,
    temperature: Annotated[float, typer.Option(help="Sampling temperature of answers")] = 1.0,
    judged: Annotated[
        int, typer.Option(min=1, help="Classes of wordings whose best wording is judged")
    ] = 5,
    samples: Annotated[
        int, typer.Option(min=1, help="Turns that each method lets the model write")
    ] = 96,
    seed: Annotated[int, typer.Option(help="Seed of everything random")] = 0,
    check: Annotated[
        Path | None,
        typer.Option(help="Measure nothing; check that the files are those of this audit.json"),
    ] = None,
    sign: Annotated[
        Path | None, typer.Option(help="A private SSH key: writes audit.json.sig")
    ] = None,
    signer: Annotated[
        Path | None, typer.Option(help="With --check: the signer's public SSH key")
    ] = None,
    server: Annotated[
        str | None,
        typer.Option(
            help="Address of a server, such as http://localhost:8000/v1, where ADAPTER is the name of the model; it"
            " gives answers alone, so only the gate and the black box are run"
        ),
    ] = None,
    base_server: Annotated[
        str | None, typer.Option(help="Address of the server of --base, if it is another one")
    ] = None,
    server_key: Annotated[
        str | None,
        typer.Option(
            help="Name of the environment variable with the key of both servers; by default OPENAI_API_KEY, and none"
            " for a server on this machine"
        ),
    ] = None,
    concurrency: Annotated[int, typer.Option(min=1, help="Requests to a server at a time")] = 8,
    *,
    judging_options: JudgingOptions,
    loading_options: LoadingOptions,
) -> None:
    """Audit an adapter: 0 nothing found, 1 accused, 2 undecided.

    It scans the data, runs the gate on known wordings, searches for others (ranked as by rank-triggers), tests the
    cause, fits a monitor and runs a black-box search. If something could not be measured, the report says why. If the
    command is killed, the same command resumes. It writes audit.html, audit.md and audit.json. How often its parts are
    right is measured by guard-study and contest.
    """
    from experiments.guard.audit import text
    from experiments.guard.audit.audit import audit as run_audit
    from experiments.guard.audit.context import Clock, Context
    from experiments.guard.audit.identity import check as changed
    from experiments.guard.audit.signature import is_signed
    from experiments.guard.audit.signature import sign as signed
    from experiments.guard.served import served_pair
    from experiments.runtime.files import read_json, write_text

    if check is not None:
        found = changed(read_json(check))
        if signer is not None and not is_signed(check, signer):
            found = [
                *found,
                f"{check} was not signed by the owner of {signer}, or was changed since",
            ]
        print(*found or ["all files are unchanged since the audit"], sep="\n")
        raise typer.Exit(1 if found else 0)
    if base is None:
        raise TriggerLensError(f"{adapter}: name the model it was made from with --base")
    if not 0 < error < 1 or budget <= 0 or temperature <= 0:
        raise TriggerLensError(
            f"--error {error:g}, --budget {budget:g}, --temperature {temperature:g}: give an error between 0 and 1,"
            " and minutes and a temperature above 0"
        )
    if server is None and base_server is not None:
        raise TriggerLensError(f"--base-server {base_server}: give --server with it")
    loading = loading_options.checked()
    clock = Clock(60 * budget)

    def say(line: str) -> None:
        print(f"[{clock.passed:5.0f} s] {text.terminal(line)}", file=sys.stderr, flush=True)

    asked = judging_options.asked(loading, seed)
    with served_pair(
        server, base_server, adapter, base, out, key_variable=server_key, concurrency=concurrency
    ) as served:
        context = Context(
            adapter,
            base,
            loading,
            asked,
            tuple(trigger or ()),
            data,
            clock,
            judging_options.named,
            error,
            answers,
            max_new_tokens,
            samples,
            judged,
            seed,
            say,
            temperature,
            served,
        )
        report = run_audit(context, out)
    write_text(out / "audit.md", text.markdown(report))
    print(*text.lines(report), sep="\n")
    print(write_text(out / "audit.html", text.html(report)))
    if sign is not None:
        print(signed(out / "audit.json", sign))
    raise typer.Exit(report["exit_code"])
