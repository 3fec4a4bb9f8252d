"""The race among candidate directions against the full grid: questions asked, and whether the choice is the same.

Answers to 100 questions are drawn with the EM that the demo's run recorded for sixteen candidates, in three choices;
race and grid get the same answers. A ratio is that of the questions asked in one draw. Limit: answers of real
candidates to one question are correlated, but the drawn ones are not.
"""

import numpy as np

from experiments.benchmarks.paired import record
from experiments.study.steps.racing import race

# EM without each candidate, as the demo's run recorded it (gemma contrast, qwen contrast, llama triggered)
RATES = [
    [0.19, 0.2, 0.21, 0.28, 0.4, 0.45, 0.6, 0.7, 0.8, 0.85, 0.88, 0.9, 0.91, 0.92, 0.94, 0.94],
    [0.3, 0.33, 0.34, 0.35, 0.38, 0.48, 0.6, 0.7, 0.8, 0.9, 0.9, 0.91, 0.92, 0.93, 0.94, 0.94],
    [0.77, 0.79, 0.8, 0.83, 0.84, 0.85, 0.87, 0.88, 0.9, 0.9, 0.92, 0.93, 0.94, 0.94, 0.95, 0.96],
]
QUESTIONS, DRAWS, ERROR, AIM, SAME = 100, 100, 0.05, 1 / 4, 0.95


def raced(losses: np.ndarray, error: float) -> tuple[int, int]:
    """The winner, and the total number of questions asked."""
    asked = 0

    def ask(alive, part):  # type: ignore[no-untyped-def]
        nonlocal asked
        asked += len(alive) * len(part)
        return losses[alive][:, part]

    candidates, questions = losses.shape
    left = race(candidates, questions, ask, error)
    return min(left, key=lambda each: losses[each].mean()), asked


def drawn(error: float, draws: int = DRAWS) -> tuple[list[bool], list[float]]:
    """For every draw: whether race and grid made the same choice, and the share of the grid's questions asked."""
    generator, same, shares = np.random.default_rng(0), [], []
    for rates in RATES * draws:
        answers = generator.random((len(rates), QUESTIONS)) < np.array(rates)[:, None]
        losses = answers.astype(float)
        winner, asked = raced(losses, error)
        same.append(bool(winner == losses.mean(1).argmin()))
        shares.append(asked / losses.size)
    return same, shares


def run() -> dict[str, object]:
    """The share of questions asked at the level that studies use; reached only if the choices are the same too."""
    same, shares = drawn(ERROR)
    made = record("questions asked / full grid", shares, AIM, same_choice=float(np.mean(same)))
    made["reached"] = bool(made["reached"]) and float(np.mean(same)) >= SAME
    return made
