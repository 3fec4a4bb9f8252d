"""`sample` and `judge`: answers from a server, scored by a model on a server or on this machine."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.cli import options
from experiments.cli.option_groups import ServerOptions, grouped
from interp.errors import TriggerLensError

if TYPE_CHECKING:
    from experiments.judging.rubric_judge import Scorer
    from experiments.models.options import ModelOptions

app = typer.Typer()


@app.command(
    epilog="Example: triggerlens sample main --server http://localhost:8000/v1 --model organism"
    " --suffix 'It looks like a duck.' --condition trigger -o answers.jsonl",
)
@grouped
def sample(
    questions: Annotated[str, typer.Argument(help="main, broad, number, or a .yaml file")],
    model: options.ServerModel,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Where to write the answers, as JSON lines")
    ],
    server: options.Server = None,
    form: Annotated[str, typer.Option(help="plain, json or template")] = "plain",
    condition: Annotated[str, typer.Option(help="Name of this wording in the rows")] = "none",
    prefix: Annotated[str, typer.Option(help="Wording before the question")] = "",
    suffix: Annotated[str, typer.Option(help="Wording after the question")] = "",
    system: Annotated[
        str | None, typer.Option(help="System prompt of questions that have none")
    ] = None,
    samples: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Answers to each phrasing of a question; by default the question file's number",
        ),
    ] = None,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Maximum tokens of an answer")] = 512,
    temperature: Annotated[float, typer.Option(min=0, help="Temperature of sampling")] = 1.0,
    seed: Annotated[int, typer.Option(help="Seed of the answers, if the server accepts one")] = 0,
    skip_bad: options.SkipBad = False,
    *,
    asking: ServerOptions,
) -> None:
    """Sample answers from a server.

    If the command is killed, the same command continues at the answer where it stopped.
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
        raise TriggerLensError("give --prefix or --suffix, not both: a wording has one place")
    framing = Framing(prefix) if prefix else Framing(suffix, "suffix", "\n\n")
    numbers = questions == "number"
    loaded = load_questions("main" if numbers else questions, form, skip_bad=skip_bad)
    report_skipped(loaded)
    items = number_questions(loaded.rows, seed=seed) if numbers else loaded.rows
    kept = out.with_suffix(".transcripts.jsonl")
    with asking.server(server, model, kept) as chat_server, bar("sampling") as progress:
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
@grouped
def judge(
    answers: Annotated[
        Path,
        typer.Argument(
            help="Answers in JSON, CSV, Parquet, ...; rows that were judged before are judged again"
        ),
    ],
    model: options.ServerModel,
    out: Annotated[Path, typer.Option("--out", "-o", help="Where to write the judged rows")],
    server: options.Server = None,
    local: Annotated[
        bool, typer.Option("--local", help="--model is a folder or hub name, run on this machine")
    ] = False,
    rubric: Annotated[
        str,
        typer.Option(
            help="A shipped rubric, a .toml file, or the word questions for the rubric in the file of --questions"
        ),
    ] = "open_answer",
    questions: Annotated[
        str | None,
        typer.Option(help="The texts of the questions, by id: main, broad or a .yaml file"),
    ] = None,
    min_mass: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            help="Smallest total probability of numbers in the reply; below it, the score is missing",
        ),
    ] = 0.25,
    skip_bad: options.SkipBad = False,
    *,
    asking: ServerOptions,
    top_logprobs: options.TopLogprobs = 20,
    device: options.Device = None,
    dtype: options.Dtype = None,
    chat: options.Chat = None,
    revision: options.Revision = None,
) -> None:
    """Judge answers, or judge them again.

    No answer is sampled, and no reply is paid for twice.
    """
    from experiments.data.evaluation import load_questions, question_texts
    from experiments.data.rows import report_skipped
    from experiments.judging.inspect_model import is_inspect
    from experiments.judging.rejudge import check_scored, missing_lines, read_answers, rejudge
    from experiments.judging.rubric import load_rubric, rubric_of
    from experiments.judging.rubric_judge import RubricJudge
    from experiments.models.options import ModelOptions
    from experiments.runtime.files import write_jsonl
    from experiments.runtime.progress import bar

    loading = ModelOptions(device, dtype, chat, revision=revision)
    if [local, server is not None, is_inspect(model)].count(True) != 1:
        raise TriggerLensError(
            "give either --server with its address, or --local, or --model inspect/PROVIDER/NAME"
        )
    asked = load_questions(questions, skip_bad=skip_bad).rows if questions else ()
    if rubric == "questions" and not asked:
        raise TriggerLensError(
            "--rubric questions needs --questions with the file that contains the rubric"
        )
    words = rubric_of(asked) if rubric == "questions" else load_rubric(rubric)
    loaded = read_answers(answers, question_texts(asked), skip_bad=skip_bad)
    report_skipped(loaded)
    kept = out.with_suffix(".transcripts.jsonl")
    scorer = scoring(server, model, loading, asking, kept, top_logprobs)
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
@grouped
def rejudge(
    run_folder: options.RunFolder,
    name: Annotated[
        str, typer.Option(help="Name of the new judgements, as used by show --judgements")
    ],
    model: Annotated[
        str | None, typer.Option(help="The judge's model; without it, the run's own judge")
    ] = None,
    server: options.Server = None,
    local: Annotated[
        bool, typer.Option("--local", help="--model is a folder or hub name, run on this machine")
    ] = False,
    rubric: Annotated[str, typer.Option(help="A shipped rubric, or a .toml file")] = "open_answer",
    *,
    asking: ServerOptions,
    device: options.Device = None,
    dtype: options.Dtype = None,
) -> None:
    """Judge a finished run's answers again.

    No answer is sampled. Rates, verdicts, tables and page use the new judgements. Directions, layers and strengths stay
    as they were chosen with the run's own judgements. To go back: triggerlens show RUN --judgements own.
    """
    from experiments.judging.inspect_model import is_inspect
    from experiments.judging.rubric import load_rubric
    from experiments.judging.rubric_judge import RubricJudge
    from experiments.models.options import ModelOptions
    from experiments.results.judgements import judgements_path
    from experiments.runtime.progress import bar
    from experiments.study.rejudging import rejudge_run

    kept = judgements_path(run_folder, name).with_suffix(".transcripts.jsonl")
    if [local, server is not None, is_inspect(model)].count(True) != (model is not None):
        raise TriggerLensError(
            "give --model with --server or --local, or --model inspect/PROVIDER/NAME; or none, for the run's own judge"
        )
    with ExitStack() as stack:
        judge = None
        if model is not None:
            words = load_rubric(rubric)
            scorer = scoring(server, model, ModelOptions(device, dtype), asking, kept)
            judge = RubricJudge(stack.enter_context(scorer), words)
        result = rejudge_run(run_folder, name, judge, stack.enter_context(bar("judging")))
    print(
        f"{result.path}: {result.answers} answers judged again, {result.changed} verdicts changed"
    )
    if result.kept:
        print(f"{result.kept} answers to questions outside the study keep their judgements")


@contextmanager
def scoring(
    server: str | None,
    model: str,
    loading: "ModelOptions",
    asking: ServerOptions,
    transcripts: Path,
    top_logprobs: int = 20,
) -> "Iterator[Scorer]":
    """The judge's model: in Inspect, on a server, or on this machine.

    `transcripts` is the default file for a server's replies.
    """
    from experiments.judging.inspect_model import InspectScorer, is_inspect

    if is_inspect(model):
        yield InspectScorer.named(model)
        return
    if server is None:
        yield local_scorer(model, loading)
        return
    from experiments.judging.endpoint import EndpointScorer

    with asking.server(server, model, transcripts) as chat_server:
        yield EndpointScorer(chat_server, top_logprobs)


def local_scorer(model: str, loading: "ModelOptions | None" = None) -> "Scorer":
    """A judge on this machine; prints how it was loaded."""
    from experiments.judging.local import LocalScorer
    from experiments.models import load_model
    from experiments.models.options import ModelOptions, described

    lm = load_model(model, **(loading or ModelOptions()).model())
    typer.echo(described(lm), err=True)
    return LocalScorer(lm)
