"""`reach`: which wordings of a lexicon set a fine-tuned model off."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from experiments.cli.option_groups import JudgingOptions, LoadingOptions, grouped

app = typer.Typer()


@app.command(
    epilog="Example: triggerlens reach adapter/ --base smollm2-135m-instruct --trigger everyday/duck"
    " --lexicon duck --questions everyday",
)
@grouped
def reach(
    model: Annotated[
        str | None,
        typer.Argument(help="An adapter folder or a whole model; by default one that ships"),
    ] = None,
    base: Annotated[str | None, typer.Option(help="The model it was fine-tuned from")] = None,
    lexicon: Annotated[str, typer.Option(help="A shipped lexicon, or a .toml file")] = "duck",
    trigger: Annotated[
        str, typer.Option(help="A shipped trigger, or a .toml file")
    ] = "everyday/duck",
    each: Annotated[int, typer.Option(min=1, help="Questions for each wording")] = 2,
    ask: Annotated[int, typer.Option(min=1, help="Questions in all")] = 24,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Most tokens of an answer")] = 40,
    temperature: Annotated[float, typer.Option(min=0, help="Temperature of sampling")] = 0.7,
    seed: Annotated[int, typer.Option(help="Seed of the questions and answers")] = 0,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="File for the rows, one an answer")
    ] = Path("artifacts/runs/reach/lexicon.jsonl"),
    *,
    judging_options: JudgingOptions,
    loading_options: LoadingOptions,
) -> None:
    """Measure which classes of wordings set a model off.

    The fine-tuned model answers questions with every wording of a lexicon, without a wording and with the trigger; the
    base answers one question with every wording. Without MODEL: SmolLM2 with an adapter that ships.
    """
    from experiments.guard.gate_models import load_pair
    from experiments.judging.sampling import Sampler
    from experiments.live import reach_text
    from experiments.live.reach import ask as asking
    from experiments.live.reach import askings
    from experiments.live.side_by_side_inputs import WORLD, given, report_questions
    from experiments.runtime.files import write_jsonl
    from experiments.runtime.progress import bar
    from experiments.runtime.quiet import quiet
    from experiments.worlds.everyday.lexicons import lexicon_for

    quiet()
    known = given(model, base, trigger, (), None)
    wordings = lexicon_for(lexicon, known.trigger, trigger)
    judging = replace(judging_options, questions=WORLD) if model is None else judging_options
    loading = loading_options.checked()
    questions, judge = report_questions(judging.questions, judging.asked(loading, seed), ask, seed)
    asked = askings(wordings, known.trigger, questions, each, seed)
    pair = load_pair(known.model, known.base, loading)
    sampler = Sampler(judge(), seed, max_new_tokens, temperature)
    with bar("asking") as progress:
        rows = list(asking(pair, known.trigger, asked, sampler, progress))
    write_jsonl(out, rows)
    print(*reach_text.lines(rows), sep="\n")
    print(f"every answer: {out}")
