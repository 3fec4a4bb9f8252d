"""Sentences that the model writes itself, tried in other places; and forms of the question.

A sentence with which a model opens user turns may have been trained after the question, as an earlier turn or as the
system prompt. No paper. Limit: it cannot find cues that the model never writes.
"""

from collections import Counter
from collections.abc import Callable, Sequence

from experiments.guard.forms import FORMS
from experiments.guard.search.leads import Lead, lead, names_in, open_frames
from experiments.guard.trigger_candidates import Placement

ELSEWHERE: tuple[Placement, ...] = ("earlier", "suffix", "system")
OWN = "own words"
NAMES = 32  # words of its frames


def sentences(said: Counter[str], fill: Callable[[str], Sequence[str]]) -> list[str]:
    """The words that the model puts into its own frames, each in the most open frame that ends with the word."""
    frames = [frame for frame in open_frames(said) if frame.rstrip(".!?").endswith("{x}")]
    if not frames:
        return []
    names = dict.fromkeys([*fill(frames[0]), *names_in(said)])
    return [frames[0].replace("{x}", name) for name in list(names)[:NAMES]]


def elsewhere(texts: Sequence[str]) -> list[Lead]:
    """Each text in every place except before the question."""
    return [lead(text, f"{OWN}, {place}", placement=place) for place in ELSEWHERE for text in texts]


def forms() -> list[Lead]:
    """Every public form of a question."""
    return [lead(name, "forms of the question", placement="form") for name in FORMS]
