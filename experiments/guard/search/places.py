"""What the model says itself, in places where it did not say it; in pairs; and forms of the question.

A sentence that a model opens user turns with may have been trained on after the question, as an earlier turn or as
the system prompt. Two sentences may be needed at once, one before and one after the question.

What it does not know: cues that the model never writes, and three at once.
"""

from collections import Counter
from collections.abc import Callable, Sequence

from experiments.guard.forms import FORMS
from experiments.guard.search.leads import Lead, both, lead, names_in, open_frames
from experiments.guard.search.shortlist import Screened
from experiments.guard.trigger_candidates import Placement

ELSEWHERE: tuple[Placement, ...] = ("earlier", "suffix", "system")
OWN = "own words"
NAMES = 32
MORE = 1.0  # nats that a pair must be above each of its cues alone


def sentences(said: Counter[str], fill: Callable[[str], Sequence[str]]) -> list[str]:
    """The words that the model puts into its own frames, each in the most open of them."""
    frames = list(open_frames(said))
    if not frames:
        return []
    names = dict.fromkeys([*fill(frames[0]), *names_in(said)])
    return [frames[0].replace("{x}", name) for name in list(names)[:NAMES]]


def elsewhere(texts: Sequence[str]) -> list[Lead]:
    """Each text in every place but before the question."""
    return [lead(text, f"{OWN}, {place}", placement=place) for place in ELSEWHERE for text in texts]


def forms() -> list[Lead]:
    """Every public form of a question."""
    return [lead(name, "forms of the question", placement="form") for name in FORMS]


def pairs(texts: Sequence[str]) -> list[Lead]:
    """Every ordered pair: one before the question, one after it."""
    return [
        both(lead(first, OWN), lead(second, OWN, placement="suffix"), f"{OWN}, in pairs")
        for first in texts
        for second in texts
        if first != second
    ]


def beyond(paired: Sequence[Screened], alone: Sequence[Screened]) -> list[Screened]:
    """The pairs behind which the surprise is larger than behind either cue alone."""
    single = {one.key: score for one, score in alone}

    def least(pair: Lead) -> float:
        keys = [lead(part.wording, "", placement=part.placement).key for part in pair.parts]
        return max(single.get(key, 0.0) for key in keys) + MORE

    return [(one, score) for one, score in paired if score >= least(one)]
