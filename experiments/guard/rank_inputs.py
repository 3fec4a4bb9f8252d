"""The inputs of a ranking of trigger candidates: the candidates by name, and the questions."""

from collections.abc import Sequence

from experiments.data.evaluation import load_questions
from experiments.guard.gate_models import asked_of
from experiments.guard.generated import world_candidates
from experiments.guard.trigger_candidates import Candidate, load_candidates
from experiments.worlds.named import named_world
from interp.errors import TriggerLensError
from interp.prompts import Question


def candidates_of(names: Sequence[str], seed: int) -> list[Candidate]:
    """The candidates of these files, shipped names and `WORLD:COUNT`; an error if a wording occurs twice."""
    candidates: list[Candidate] = []
    for name in names:
        kind, _, count = name.partition(":")
        world = named_world(kind, seed)
        if world is None:
            candidates += load_candidates(name)
        elif count.isdigit():
            known = {candidate.text for candidate in candidates}
            candidates += world_candidates(world, int(count), avoid=known, seed=seed)
        else:
            raise TriggerLensError(
                f"--candidates {name}: give a number of candidates, such as {kind}:100"
            )
    texts = [candidate.text for candidate in candidates]
    if twice := [text for text in texts if texts.count(text) > 1]:
        raise TriggerLensError(
            f"--candidates: the wording {twice[0]!r} appears twice; leave one out"
        )
    return candidates


def questions_of(name: str, seed: int) -> list[Question]:
    """The questions of a file or a shipped set, each in one form, or those of a named world."""
    world = named_world(name, seed)
    if world is not None:
        return asked_of(world)[0]
    return [question for item in load_questions(name).rows for question in item.questions[:1]]
