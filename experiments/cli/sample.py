"""`triggerlens sample QUESTIONS`: answers from an OpenAI-compatible server."""

from pathlib import Path
from typing import Annotated

import typer

from experiments.cli import server_options as options

EXAMPLE = (
    "Example: triggerlens sample main --server http://localhost:8000/v1 --model organism"
    " --suffix 'It looks like a duck.' --condition trigger -o answers.jsonl"
)


def sample(
    questions: Annotated[str, typer.Argument(help="main, broad or number; or a .yaml file")],
    model: options.Model,
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
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave bad questions out")] = False,
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
    """Sample answers from a server; a killed call resumes at the answer it was in."""
    from experiments.cli.bars import bar
    from experiments.data.evaluation import load_questions
    from experiments.data.presets import number_questions
    from experiments.data.rows import report_skipped
    from experiments.judging.server.answers import check_answered, missing_answers, sample_items
    from experiments.runtime.files import write_jsonl
    from interp.prompts import Framing

    if server is None:
        raise ValueError("name the server: --server http://HOST/v1")
    if prefix and suffix:
        raise ValueError("give --prefix or --suffix, not both: a trigger stands in one place")
    framing = Framing(prefix) if prefix else Framing(suffix, "suffix", "\n\n")
    numbers = questions == "number"
    loaded = load_questions("main" if numbers else questions, form, skip_bad=skip_bad)
    report_skipped(loaded)
    items = number_questions(loaded.rows, seed=seed) if numbers else loaded.rows
    with (
        options.server(
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
        ) as asked,
        bar("sampling") as progress,
    ):
        rows = sample_items(
            asked,
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
