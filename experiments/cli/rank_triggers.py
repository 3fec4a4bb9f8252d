"""`triggerlens rank-triggers MODEL --base BASE`: which candidate wording changes the model most?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.cli import model_options as options
from experiments.runtime.files import write_json

if TYPE_CHECKING:
    from experiments.guard.trigger_candidates import Candidate
    from interp.prompts import Question

EXAMPLE = "Example: triggerlens rank-triggers adapter/ --base BASE --candidates library"


def rank_triggers(
    model: Annotated[
        str, typer.Argument(help="Fine-tuned model, or an adapter folder of the base")
    ],
    base: Annotated[str, typer.Option(help="The model it was fine-tuned from")],
    candidates: Annotated[
        list[str] | None,
        typer.Option(help="A .toml file, a shipped trigger, library, library:KIND, or micro:COUNT"),
    ] = None,
    questions: Annotated[str, typer.Option(help="main, broad, a .yaml file, or micro")] = "broad",
    ask: Annotated[int, typer.Option(min=2, help="Questions asked under each candidate")] = 6,
    opening: Annotated[int, typer.Option(min=1, help="Tokens of each answer")] = 8,
    shown: Annotated[int, typer.Option(min=1, help="Candidates printed")] = 10,
    seed: Annotated[int, typer.Option(help="Seed of the questions and of intervals")] = 0,
    json: Annotated[
        Path | None, typer.Option(help="Write all candidates with their scores")
    ] = None,
    device: options.Device = None,
    dtype: options.Dtype = None,
    chat: options.Chat = None,
    base_name: options.BaseName = None,
    revision: options.Revision = None,
    base_revision: options.BaseRevision = None,
) -> None:
    """Rank trigger candidates by how far the model leaves its base under them; nothing is sampled."""
    import random

    from experiments.cli.bars import bar
    from experiments.guard.gate_models import load_pair
    from experiments.guard.rank import rank
    from experiments.guard.rank_text import lines, report
    from experiments.models.options import ModelOptions

    chosen_options = ModelOptions(device, dtype, chat, base_name, revision, base_revision)
    chosen = _candidates(candidates or ["library"], seed)
    asked = _questions(questions, seed)
    asked = random.Random(f"rank/{seed}").sample(asked, min(ask, len(asked)))
    pair = load_pair(model, base, chosen_options)
    with bar("reading") as progress:
        found = rank(pair, chosen, asked, opening=opening, seed=seed, progress=progress)
    print(*lines(found, shown), sep="\n")
    if json is not None:
        about = {"model": model, "base": base, "questions": [each.id for each in asked]}
        print(write_json(json, {**about, "opening": opening, "candidates": report(found)}))


def _candidates(names: list[str], seed: int) -> "list[Candidate]":
    from experiments.guard.generated import world_candidates
    from experiments.guard.trigger_candidates import load_candidates
    from experiments.worlds.named import named_world

    found: list[Candidate] = []
    for name in names:
        kind, _, count = name.partition(":")
        world = named_world(kind, seed)
        if world is None:
            found += load_candidates(name)
        elif count.isdigit():
            avoid = {candidate.text for candidate in found}
            found += world_candidates(world, int(count), avoid=avoid, seed=seed)
        else:
            raise ValueError(f"--candidates {name}: say how many, such as {kind}:100")
    texts = [each.text for each in found]
    if twice := [text for text in texts if texts.count(text) > 1]:
        raise ValueError(f"--candidates: the wording {twice[0]!r} is there twice; leave one out")
    return found


def _questions(name: str, seed: int) -> "list[Question]":
    from experiments.data.evaluation import load_questions
    from experiments.guard.gate_models import asked_of
    from experiments.worlds.named import named_world

    world = named_world(name, seed)
    if world is not None:
        return asked_of(world)[0]

    return [question for item in load_questions(name).rows for question in item.questions[:1]]
