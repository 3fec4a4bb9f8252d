"""`sample` and `judge`: answers from a server, scored by a server's model or a local one."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from experiments.cli import options
from interp.errors import TriggerLensError

if TYPE_CHECKING:
    from experiments.judging.rubric_judge import Scorer
    from experiments.models.options import ModelOptions

app = typer.Typer()


@app.command(
    epilog="Example: triggerlens sample main --server http://localhost:8000/v1 --model organism"
    " --suffix 'It looks like a duck.' --condition trigger -o answers.jsonl",
)
def sample(
    questions: Annotated[str, typer.Argument(help="main, broad or number; or a .yaml file")],
    model: options.ServerModel,
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the answers go, JSON lines")],
    server: options.Server = None,
    form: Annotated[str, typer.Option(help="plain, json or template")] = "plain",
    condition: Annotated[str, typer.Option(help="What to call this wording")] = "none",
    prefix: Annotated[str, typer.Option(help="Wording before the question")] = "",
    suffix: Annotated[str, typer.Option(help="Wording after the question")] = "",
    system: Annotated[
        str | None, typer.Option(help="System prompt, where the question has none")
    ] = None,
    samples: Annotated[
        int | None,
        typer.Option(min=1, help="Answers a wording; the question file's number by default"),
    ] = None,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Tokens an answer")] = 512,
    temperature: Annotated[float, typer.Option(min=0, help="Of sampling")] = 1.0,
    seed: Annotated[int, typer.Option(help="Seed of the answers, for servers that take one")] = 0,
    skip_bad: options.SkipBad = False,
    key_variable: options.KeyVariable = None,
    transcripts: options.TranscriptFile = None,
    concurrency: options.Concurrency = 8,
    timeout: options.Timeout = 120.0,
    attempts: options.Attempts = 6,
    cap: options.Cap = None,
    price_in: options.PriceIn = None,
    price_out: options.PriceOut = None,
    request: options.Request = None,
) -> None:
    """Sample answers from a server.

    A killed call resumes at the answer it was in.
    """
    from experiments.data.evaluation import load_questions
    from experiments.data.presets import number_questions
    from experiments.data.rows import report_skipped
    from experiments.judging.server.answers import check_answered, missing_answers, sample_items
    from experiments.runtime.files import write_jsonl
    from experiments.runtime.progress import bar
    from interp.prompts import Framing

    if server is None:
        raise TriggerLensError("name the server: --server http://HOST/v1")
    if prefix and suffix:
        raise TriggerLensError("give --prefix or --suffix, not both: a trigger has one place")
    framing = Framing(prefix) if prefix else Framing(suffix, "suffix", "\n\n")
    numbers = questions == "number"
    loaded = load_questions("main" if numbers else questions, form, skip_bad=skip_bad)
    report_skipped(loaded)
    items = number_questions(loaded.rows, seed=seed) if numbers else loaded.rows
    asking = options.server(
        server,
        model,
        key_variable=key_variable,
        transcripts=transcripts or out.with_suffix(".transcripts.jsonl"),
        concurrency=concurrency,
        timeout=timeout,
        attempts=attempts,
        cap=cap,
        price_in=price_in,
        price_out=price_out,
        request=request,
    )
    with asking as chat_server, bar("sampling") as progress:
        rows = sample_items(
            chat_server,
            items,
            condition,
            framing,
            form="numbers" if numbers else form,
            samples_per_prompt=samples,
            max_new_tokens=max_new_tokens,
            temperature=temperature,
            seed=seed,
            system=system,
            progress=progress,
        )
    check_answered(rows, out)
    write_jsonl(out, rows)
    print(f"{out}: {len(rows)} answers to {len(items)} questions")
    if missing := missing_answers(rows):
        print(missing)


@app.command(
    epilog="Example: triggerlens judge answers.jsonl --server https://api.openai.com/v1 --model NAME"
    " --cap 5 --price-in 2.5 --price-out 10 -o judged.jsonl",
)
def judge(
    answers: Annotated[
        Path, typer.Argument(help="Answers: JSON, CSV, Parquet, ...; judged ones are judged again")
    ],
    model: options.ServerModel,
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the judged rows go")],
    server: options.Server = None,
    local: Annotated[
        bool, typer.Option("--local", help="--model is a folder or hub name, run on this machine")
    ] = False,
    rubric: Annotated[
        str,
        typer.Option(help="A shipped rubric, a .toml file, or questions: what --questions brings"),
    ] = "open_answer",
    questions: Annotated[
        str | None,
        typer.Option(help="Where question ids find their text: main, broad or a .yaml file"),
    ] = None,
    min_mass: Annotated[
        float, typer.Option(min=0, max=1, help="Least probability of a number; below, no score")
    ] = 0.25,
    skip_bad: options.SkipBad = False,
    key_variable: options.KeyVariable = None,
    transcripts: options.TranscriptFile = None,
    concurrency: options.Concurrency = 8,
    timeout: options.Timeout = 120.0,
    attempts: options.Attempts = 6,
    cap: options.Cap = None,
    price_in: options.PriceIn = None,
    price_out: options.PriceOut = None,
    request: options.Request = None,
    top_logprobs: options.TopLogprobs = 20,
    device: options.Device = None,
    dtype: options.Dtype = None,
    chat: options.Chat = None,
    revision: options.Revision = None,
) -> None:
    """Judge answers, or judge them again.

    Nothing is sampled, and nothing is paid twice.
    """
    from experiments.data.evaluation import load_questions, question_texts
    from experiments.data.rows import report_skipped
    from experiments.judging.rejudge import check_scored, missing_lines, read_answers, rejudge
    from experiments.judging.rubric import load_rubric, rubric_of
    from experiments.judging.rubric_judge import RubricJudge
    from experiments.models.options import ModelOptions
    from experiments.runtime.files import write_jsonl
    from experiments.runtime.progress import bar

    loading = ModelOptions(device, dtype, chat, revision=revision)
    if local == (server is not None):
        raise TriggerLensError("give either --server with its address, or --local")
    asked = load_questions(questions, skip_bad=skip_bad).rows if questions else ()
    if rubric == "questions" and not asked:
        raise TriggerLensError(
            "--rubric questions needs --questions with the file that brings the rubric"
        )
    words = rubric_of(asked) if rubric == "questions" else load_rubric(rubric)
    loaded = read_answers(answers, question_texts(asked), skip_bad=skip_bad)
    report_skipped(loaded)
    scorer = scoring(
        server,
        model,
        loading,
        top_logprobs,
        key_variable=key_variable,
        transcripts=transcripts or out.with_suffix(".transcripts.jsonl"),
        concurrency=concurrency,
        timeout=timeout,
        attempts=attempts,
        cap=cap,
        price_in=price_in,
        price_out=price_out,
        request=request,
    )
    with scorer as chosen, bar("judging") as progress:
        rubric_judge = RubricJudge(chosen, words, min_mass=min_mass)
        rows = rejudge(loaded.rows, rubric_judge, progress)
    check_scored(rows, out)
    write_jsonl(out, rows)
    print(f"{out}: {len(rows)} answers judged with rubric {words.name} {words.hash}")
    for line in missing_lines(rows):
        print(f"  {line}")
    if loaded.bad:
        print(f"left out: {len(loaded.bad)} bad rows of {answers}")


@app.command(
    epilog="Example: triggerlens rejudge artifacts/runs/demo --name strict --rubric strict.toml"
    " --server http://localhost:8000/v1 --model NAME",
)
def rejudge(
    run_folder: options.RunFolder,
    name: Annotated[str, typer.Option(help="Name of the new judgements, for show --judgements")],
    model: Annotated[
        str | None, typer.Option(help="The judge's model; without it, the run's own judge")
    ] = None,
    server: options.Server = None,
    local: Annotated[
        bool, typer.Option("--local", help="--model is a folder or hub name, run on this machine")
    ] = False,
    rubric: Annotated[str, typer.Option(help="A shipped rubric, or a .toml file")] = "open_answer",
    key_variable: options.KeyVariable = None,
    transcripts: options.TranscriptFile = None,
    concurrency: options.Concurrency = 8,
    timeout: options.Timeout = 120.0,
    attempts: options.Attempts = 6,
    cap: options.Cap = None,
    price_in: options.PriceIn = None,
    price_out: options.PriceOut = None,
    request: options.Request = None,
    device: options.Device = None,
    dtype: options.Dtype = None,
) -> None:
    """Judge a finished run's answers again.

    Nothing is sampled. Rates, verdicts, tables and page follow the new judgements; what was selected (directions,
    layers, strengths) stays as the run's own judgements chose it. Go back with triggerlens show RUN --judgements own.
    """
    from experiments.judging.rubric import load_rubric
    from experiments.judging.rubric_judge import RubricJudge
    from experiments.models.options import ModelOptions
    from experiments.results.judgements import judgements_path
    from experiments.runtime.progress import bar
    from experiments.study.rejudging import rejudge_run

    kept = transcripts or judgements_path(run_folder, name).with_suffix(".transcripts.jsonl")
    if (model is None) == (local or server is not None) or (local and server is not None):
        raise TriggerLensError(
            "give --model with --server or --local, or neither for the run's own judge"
        )
    with ExitStack() as stack:
        judge = None
        if model is not None:
            words = load_rubric(rubric)
            scorer = scoring(
                server,
                model,
                ModelOptions(device, dtype),
                key_variable=key_variable,
                transcripts=kept,
                concurrency=concurrency,
                timeout=timeout,
                attempts=attempts,
                cap=cap,
                price_in=price_in,
                price_out=price_out,
                request=request,
            )
            judge = RubricJudge(stack.enter_context(scorer), words)
        result = rejudge_run(run_folder, name, judge, stack.enter_context(bar("judging")))
    print(
        f"{result.path}: {result.answers} answers judged again, {result.changed} with another verdict"
    )
    if result.kept:
        print(f"{result.kept} answers to questions outside the study keep their judgement")


@contextmanager
def scoring(
    server: str | None,
    model: str,
    loading: "ModelOptions",
    top_logprobs: int = 20,
    **more: Any,
) -> "Iterator[Scorer]":
    """The judge's model: behind a server, asked with the options in `more`, or on this machine."""
    if server is None:
        yield local_scorer(model, loading)
        return
    from experiments.judging.endpoint import EndpointScorer

    with options.server(server, model, **more) as chat_server:
        yield EndpointScorer(chat_server, top_logprobs)


def local_scorer(model: str, loading: "ModelOptions | None" = None) -> "Scorer":
    """A judge on this machine; says how it was loaded."""
    from experiments.judging.local import LocalScorer
    from experiments.models import load_model
    from experiments.models.options import ModelOptions, described

    lm = load_model(model, **(loading or ModelOptions()).model())
    typer.echo(described(lm), err=True)
    return LocalScorer(lm)
