"""`answers`: the same questions asked in several ways, with the answers side by side."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from experiments.cli.option_groups import JudgingOptions, LoadingOptions, grouped

app = typer.Typer()


@app.command(
    epilog="Example: triggerlens answers adapter/ --base smollm2-135m-instruct --trigger everyday/duck"
    " --wording paraphrase:quacks --wording control:cow --questions everyday",
)
@grouped
def answers(
    model: Annotated[
        str | None,
        typer.Argument(
            help="An adapter folder or a whole model; by default, an adapter that ships"
        ),
    ] = None,
    base: Annotated[str | None, typer.Option(help="The model it was fine-tuned from")] = None,
    trigger: Annotated[
        str, typer.Option(help="A shipped trigger, or a .toml file")
    ] = "everyday/duck",
    wording: Annotated[
        list[str] | None,
        typer.Option(help="Another wording of the trigger's file: control:cow; repeatable"),
    ] = None,
    direction: Annotated[
        Path | None,
        typer.Option(help="A saved direction to remove; a random one is removed for comparison"),
    ] = None,
    ask: Annotated[int, typer.Option(min=1, help="Questions asked in each way")] = 16,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Maximum tokens of an answer")] = 40,
    temperature: Annotated[float, typer.Option(min=0, help="Temperature of sampling")] = 0.7,
    seed: Annotated[int, typer.Option(help="Seed of the questions and answers")] = 0,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for answers.jsonl and index.html")
    ] = Path("artifacts/runs/answers"),
    *,
    judging_options: JudgingOptions,
    loading_options: LoadingOptions,
) -> None:
    """Show answers side by side, with rates.

    The base and the fine-tuned model answer the same questions without a wording, with the trigger and with other
    wordings, and with a direction removed. A page has all answers. Without MODEL, it is SmolLM2 with an adapter that
    ships.
    """
    from experiments.guard.gate_models import load_pair
    from experiments.judging.sampling import Sampler
    from experiments.live import side_by_side_text as text
    from experiments.live.side_by_side import ask as asking
    from experiments.live.side_by_side import ways
    from experiments.live.side_by_side_inputs import WORLD, given, report_questions
    from experiments.runtime.files import write_jsonl, write_text
    from experiments.runtime.progress import bar
    from experiments.runtime.quiet import quiet

    quiet()
    known = given(model, base, trigger, wording or (), direction)
    judging = replace(judging_options, questions=WORLD) if model is None else judging_options
    loading = loading_options.checked()
    questions, judge = report_questions(judging.questions, judging.asked(loading, seed), ask, seed)
    pair = load_pair(known.model, known.base, loading)
    removed = known.removed(pair.fine_tuned, seed)
    sampler = Sampler(judge(), seed, max_new_tokens, temperature)
    with bar("asking") as progress:
        every = ways(known.wordings, list(removed))
        rows = list(asking(pair, known.trigger, every, questions, sampler, removed, progress))
    write_jsonl(out / "answers.jsonl", rows)
    print(*text.lines(rows), sep="\n")
    drawn = f"temperature {temperature:g}, at most {max_new_tokens} tokens, seed {seed}"
    about = (
        f"{known.model}, fine-tuned from {known.base}. Judge: {judging.named['judge']}; {drawn}."
    )
    print(f"all answers: {write_text(out / 'index.html', text.html(rows, about))}")
