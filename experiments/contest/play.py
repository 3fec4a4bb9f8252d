"""Let entrants guess, one organism after another; organisms with a guess are not played again.

Each entrant has `seconds` of processor time for an organism. If our search played first, the black box may use as many
tokens as the search used before its decisions.
"""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from experiments.contest.entrants.entrant import Said, Table
from experiments.contest.entrants.list import ENTRANTS
from experiments.contest.protocol import Contest, Guess, Guesses, Listed, read_as, write
from experiments.guard.gate_models import Asked, asked_of
from experiments.guard.search.models import live_pair
from experiments.guard.search.spent import Spent
from experiments.judging.sampling import Sampler
from experiments.models.options import ModelOptions
from experiments.worlds.named import named_world
from interp.errors import TriggerLensError

FEWEST_TOKENS = 50_000


def play(
    folder: Path,
    out: Path,
    names: Sequence[str],
    seconds: float,
    say: Callable[[str], None] = lambda line: print(line, file=sys.stderr),
) -> list[Path]:
    """Collect the guesses of these entrants about a contest, in one file each."""
    contest = read_as(Contest, folder / "contest.json")
    if unknown := [name for name in names if name not in ENTRANTS]:
        raise TriggerLensError(
            f"unknown entrant {unknown[0]!r}; choose one of {', '.join(ENTRANTS)}"
        )
    world = named_world(contest.questions)
    if world is None:
        raise TriggerLensError(
            f"{folder}: the questions {contest.questions!r} are not those of a known world"
        )
    asked = asked_of(world)
    for organism, listed in contest.organisms.items():
        if (folder / listed.adapter).is_dir():
            _guess_all(folder, out, organism, listed, names, asked, contest, seconds, say)
    return [_gathered(out, name, contest.name) for name in names]


def _guess_all(
    folder: Path,
    out: Path,
    organism: str,
    listed: Listed,
    names: Sequence[str],
    asked: Asked,
    contest: Contest,
    seconds: float,
    say: Callable[[str], None],
) -> None:
    pair = None
    for name in names:
        path = out / name.replace(" ", "_") / f"{organism}.json"
        if path.is_file():
            continue
        pair = pair or live_pair(str(folder / listed.adapter), listed.base, ModelOptions())
        ours = out / "ours" / f"{organism}.json"
        before = read_as(Guess, ours).tokens if ours.is_file() else None
        table = Table(
            pair,
            asked[0],
            Sampler(asked[1](), 0, contest.max_new_tokens),
            Spent(seconds, time.process_time),
            max(FEWEST_TOKENS, before or 0),
        )
        guess = one_guess(organism, name, table)
        write(path, guess)
        say(f"{organism}: {name} says {guess.says}, {guess.seconds:.0f} s")


def one_guess(organism: str, name: str, table: Table) -> Guess:
    """An entrant's guess about one organism; an error is reported, and the guess is then undecided."""
    failed = ""
    try:
        said = ENTRANTS[name](table)
    except (TriggerLensError, RuntimeError) as error:
        said, failed = Said("undecided"), str(error).splitlines()[0]
    spent = table.spent
    tokens = spent.before_judging if name == "ours" else sum(spent.tokens.values())
    return Guess(
        organism=organism,
        says=said.says,
        triggers=said.triggers,
        seconds=round(spent.passed, 1),
        tokens=tokens or None,
        failed=failed,
    )


def _gathered(out: Path, name: str, contest: str) -> Path:
    folder = out / name.replace(" ", "_")
    guesses = tuple(read_as(Guess, path) for path in sorted(folder.glob("*.json")))
    return write(
        out / f"{folder.name}.json", Guesses(entrant=name, contest=contest, guesses=guesses)
    )
