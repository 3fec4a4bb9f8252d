"""Find the best of many candidates with few answers, by racing them over questions.

Method:
1. All candidates are asked the same questions, one part after another.
2. After each part but the last, a candidate that is worse than the leader is dropped, by the one-sided sign test on the
   questions where the two differ, at level `error`.
3. The remaining candidates have been asked everything, so that they can be compared as in the full grid. At error 0
   none is dropped.
Races are due to Maron and Moore 1994 ("Hoeffding races"); the test here is paired and exact for few answers.

Limits: a dropped candidate is measured on fewer questions. The level is that of a single comparison at a single look.
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Bool, Float
from scipy.stats import binom

SHARES = (0.12, 0.25, 0.5, 1.0)  # of the questions, after which candidates are compared
Losses = Float[np.ndarray, "candidate question"]  # smaller is better
Ask = Callable[[Sequence[int], range], Losses]  # candidates, the questions of one part


def race(candidates: int, questions: int, ask: Ask, error: float) -> list[int]:
    """The candidates that could not be told apart from the best, each asked every question."""
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
    """Which candidates are worse than the leader by the sign test."""
    leader = losses[losses.mean(1).argmin()]
    worse, better = (losses > leader).sum(1), (losses < leader).sum(1)
    return np.asarray(binom.sf(worse - 1, worse + better, 0.5) < error)
