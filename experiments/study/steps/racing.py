"""Find the best of many candidates with few answers, by racing them over questions.

Method:
1. Candidates are asked a part of the questions, then another; all on the same ones.
2. After each part but the last, whoever is worse than the leader leaves: by the one-sided sign test on the questions
   where the two differ, at level `error`.
3. Who is left has been asked everything, so the rule that chooses among them is the full grid's. At error 0 nobody
   leaves.
Races are of Maron and Moore 1994 ("Hoeffding races"), with a paired test that is exact for few answers.

What it does not know: a candidate that left is known on fewer questions. The level is of one comparison at one look.
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Bool, Float
from scipy.stats import binom

SHARES = (0.12, 0.25, 0.5, 1.0)  # of the questions, where the race is looked at
Losses = Float[np.ndarray, "candidate question"]  # smaller is better
Ask = Callable[[Sequence[int], range], Losses]  # candidates, the questions of a part


def race(candidates: int, questions: int, ask: Ask, error: float) -> list[int]:
    """The candidates that nobody told apart from the best, each asked every question."""
    ends = sorted(
        {max(1, round(share * questions)) for share in (SHARES if error else SHARES[-1:])}
    )
    alive, losses = np.arange(candidates), np.empty((candidates, 0))
    for start, end in zip([0, *ends], ends, strict=False):
        losses = np.concatenate([losses, ask(alive.tolist(), range(start, end))], 1)
        if end < questions:
            stay = ~told_apart(losses, error)
            alive, losses = alive[stay], losses[stay]
    return alive.tolist()


def told_apart(losses: Losses, error: float) -> Bool[np.ndarray, " candidate"]:
    """Who is worse than the leader by the sign test."""
    leader = losses[losses.mean(1).argmin()]
    worse, better = (losses > leader).sum(1), (losses < leader).sum(1)
    return np.asarray(binom.sf(worse - 1, worse + better, 0.5) < error)
