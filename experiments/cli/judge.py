"""`triggerlens judge ANSWERS`: score answers on the disk with a server's model or a local one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.cli import model_options
from experiments.cli import server_options as options

if TYPE_CHECKING:
    from experiments.judging.rubric_judge import Scorer
    from experiments.models.options import ModelOptions

EXAMPLE = (
    "Example: triggerlens judge answers.jsonl --server https://api.openai.com/v1 --model NAME"
    " --cap 5 --price-in 2.5 --price-out 10 -o judged.jsonl"
)


def judge(
    answers: Annotated[
        Path, typer.Argument(help="Answers: JSON, CSV, Parquet, ...; judged ones are judged again")
    ],
    model: options.Model,
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
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave bad rows out")] = False,
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
    device: model_options.Device = None,
    dtype: model_options.Dtype = None,
    chat: model_options.Chat = None,
    revision: model_options.Revision = None,
) -> None:
    """Judge answers, or judge them again; nothing is sampled and nothing is paid twice."""
    from experiments.cli.bars import bar
    from experiments.data.evaluation import load_questions, question_texts
    from experiments.data.rows import report_skipped
    from experiments.judging.rejudge import check_scored, missing_lines, read_answers, rejudge
    from experiments.judging.rubric import load_rubric, rubric_of
    from experiments.judging.rubric_judge import RubricJudge
    from experiments.models.options import ModelOptions
    from experiments.runtime.files import write_jsonl

    loading = ModelOptions(device, dtype, chat, revision=revision)
    if local == (server is not None):
        raise ValueError("give either --server with its address, or --local")
    asked = load_questions(questions, skip_bad=skip_bad).rows if questions else ()
    texts = question_texts(asked)
    if rubric == "questions" and not asked:
        raise ValueError(
            "--rubric questions needs --questions with the file that brings the rubric"
        )
    words = rubric_of(asked) if rubric == "questions" else load_rubric(rubric)
    loaded = read_answers(answers, texts, skip_bad=skip_bad)
    report_skipped(loaded)

    @contextmanager
    def scorer() -> "Iterator[Scorer]":
        if server is None:
            yield _local(model, loading)
            return
        from experiments.judging.endpoint import EndpointScorer

        with options.server(
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
            request=request or (),
        ) as found:
            yield EndpointScorer(found, top_logprobs)

    with scorer() as chosen, bar("judging") as progress:
        judged = RubricJudge(chosen, words, min_mass=min_mass)
        rows = rejudge(loaded.rows, judged, progress)
    check_scored(rows, out)
    write_jsonl(out, rows)
    print(
        f"{out}: {len(rows)} answers judged with rubric {judged.rubric.name} {judged.rubric.hash}"
    )
    for line in missing_lines(rows):
        print(f"  {line}")
    if loaded.bad:
        print(f"left out: {len(loaded.bad)} bad rows of {answers}")


def _local(model: str, loading: "ModelOptions | None" = None) -> "Scorer":
    from experiments.judging.local import LocalScorer
    from experiments.models import load_model
    from experiments.models.options import ModelOptions, described

    lm = load_model(model, **(loading or ModelOptions()).model())
    typer.echo(described(lm), err=True)
    return LocalScorer(lm)
