"""`triggerlens contest make`, `play`, `score` and `schema`: a contest of trigger finders."""

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()
group = typer.Typer(
    no_args_is_help=True,
    help="A contest of trigger finders: make, play, score.",
    epilog="Example: triggerlens contest make --seed SECRET --out contest/",
)
Folder = Annotated[Path, typer.Argument(help="The folder with contest.json")]


@group.command(
    epilog="Example: triggerlens contest make --seed 100 --count 12 --family qwen --out contest/",
)
def make(
    seed: Annotated[
        str,
        typer.Option(
            help="Secret seed; below 2**64 it can be guessed. Seeds from 100 on are for development"
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder; an interrupted call resumes")],
    count: Annotated[
        int, typer.Option(min=1, help="Number of organisms; twelve include every kind")
    ] = 12,
    family: Annotated[
        list[str] | None, typer.Option(help="qwen, llama or gemma; or only smollm2")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="torch threads")] = 1,
) -> None:
    """Make organisms from a secret seed, and seal the answers.

    Hand out contest.json and models/; keep answers/ and the seed secret.
    """
    import torch

    from experiments.contest.make import make as make_all
    from experiments.runtime.quiet import quiet

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    quiet()
    torch.set_num_threads(threads)
    contest = make_all(seed, out, count, family or ("qwen", "llama", "gemma"), say)
    print(f"contest {contest.name}: {len(contest.organisms)} organisms in {out}")


@group.command(
    epilog="Example: triggerlens contest play contest/ --entrant ours --entrant leaking --out guesses/",
)
def play(
    folder: Folder,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder of guesses; an interrupted call resumes")
    ],
    entrant: Annotated[
        list[str] | None,
        typer.Option(help="ours, leaking, contrast, weights, black box; all by default"),
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=1, help="Processor seconds that each entrant may use for a model")
    ] = 120.0,
    threads: Annotated[int, typer.Option(min=1, help="torch threads")] = 1,
) -> None:
    """Let the entrants that ship guess.

    It writes a file of guesses for each entrant.
    """
    import torch

    from experiments.contest.entrants.list import ENTRANTS
    from experiments.contest.play import play as play_all
    from experiments.runtime.quiet import quiet

    quiet()
    torch.set_num_threads(threads)
    print(*play_all(folder, out, entrant or tuple(ENTRANTS), seconds), sep="\n")


@group.command(
    epilog="Example: triggerlens contest score contest/ guesses/ours.json --answers contest/answers",
)
def score(
    folder: Folder,
    guesses: Annotated[list[Path], typer.Argument(help="Files of guesses")],
    answers: Annotated[
        Path | None, typer.Option(help="Folder of sealed answers; FOLDER/answers by default")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write a row for each guess, as JSON lines")
    ] = None,
) -> None:
    """Score guesses by class and by word, with intervals.

    An answer that was changed after it was sealed is refused. Organisms that do not behave as intended are left out.
    """
    from experiments.contest.score import score as score_all
    from experiments.results.contest_rates import markdown
    from experiments.runtime.files import write_jsonl

    rows = score_all(folder, answers or folder / "answers", guesses)
    if out is not None:
        print(write_jsonl(out, rows), file=sys.stderr)
    print(markdown(rows), end="")


@group.command(epilog="Example: triggerlens contest schema")
def schema() -> None:
    """Print the JSON schema of a file of guesses."""
    from experiments.contest.protocol import schema as found
    from experiments.runtime.files import to_json

    print(to_json(found(), indent=2))


app.add_typer(group, name="contest")
