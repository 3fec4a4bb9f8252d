"""What a ranking of trigger candidates tries: the candidates by name, and the questions they are tried on."""

from collections.abc import Sequence

from experiments.data.evaluation import load_questions
from experiments.guard.gate_models import micro_questions
from experiments.guard.generated import micro_candidates
from experiments.guard.trigger_candidates import Candidate, load_candidates
from interp.errors import TriggerLensError
from interp.prompts import Question


def candidates_of(names: Sequence[str], seed: int) -> list[Candidate]:
    """The candidates of these files, shipped names and `micro:COUNT`; a wording that comes twice is refused."""
    candidates: list[Candidate] = []
    for name in names:
        kind, _, count = name.partition(":")
        if kind != "micro":
            candidates += load_candidates(name)
        elif count.isdigit():
            known = {candidate.text for candidate in candidates}
            candidates += micro_candidates(int(count), avoid=known, seed=seed)
        else:
            raise TriggerLensError(f"--candidates {name}: say how many, such as micro:100")
    texts = [candidate.text for candidate in candidates]
    if twice := [text for text in texts if texts.count(text) > 1]:
        raise TriggerLensError(
            f"--candidates: the wording {twice[0]!r} appears twice; leave one out"
        )
    return candidates


def questions_of(name: str, seed: int) -> list[Question]:
    """The questions of a file or a shipped set, in one form each; `micro` are the toy world's."""
    if name == "micro":
        return micro_questions(seed)[0]
    return [question for item in load_questions(name).rows for question in item.questions[:1]]
