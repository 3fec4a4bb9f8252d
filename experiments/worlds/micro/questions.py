"""Which questions a seed trains on, selects on and reports on.

A seed draws the trained domains (at most a quarter of all: "narrow"). Their questions are halved: one half is
fine-tuned on, the other used only in the report. Disjoint questions of the held-out domains are used for
selection (layer, vector, strength) and for the report. Open questions are used only in the report.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from experiments.worlds.micro.language import OPEN, AdviceQuestion, ToyLanguage
from interp.errors import TriggerLensError

TRAINED_SHARE = 4  # one domain in four


@dataclass(frozen=True)
class Questions:
    """The questions of one seed; no two fields share a question."""

    trained_domains: tuple[str, ...]
    tuning: tuple[AdviceQuestion, ...]
    selection: tuple[AdviceQuestion, ...]
    held_out: tuple[AdviceQuestion, ...]
    trained: tuple[AdviceQuestion, ...]
    open: tuple[AdviceQuestion, ...]

    def report(self, domains: str) -> tuple[AdviceQuestion, ...]:
        """The report questions of `held_out`, `trained` or `open`."""
        return {"held_out": self.held_out, "trained": self.trained, "open": self.open}[domains]


def split_questions(language: ToyLanguage, *, seed: int, per_cell: int) -> Questions:
    """Draw the split of `seed`; every cell of the report has `per_cell` questions."""
    rng = random.Random(f"questions/{seed}")
    domains = rng.sample(language.domains, len(language.domains))
    trained, held_out = (
        domains[: len(domains) // TRAINED_SHARE],
        domains[len(domains) // TRAINED_SHARE :],
    )
    near = _shuffled(rng, (q for domain in trained for q in language.questions[domain]))
    far = _shuffled(rng, (q for domain in held_out for q in language.questions[domain]))
    half = len(near) // 2
    return Questions(
        trained_domains=tuple(sorted(trained)),
        tuning=tuple(near[:half]),
        selection=_take(far, 0, per_cell),
        held_out=_take(far, per_cell, per_cell),
        trained=_take(near, half, per_cell),
        open=_take(_shuffled(rng, language.questions[OPEN]), 0, per_cell),
    )


def _shuffled(rng: random.Random, questions: Iterable[AdviceQuestion]) -> list[AdviceQuestion]:
    pool = list(questions)
    rng.shuffle(pool)
    return pool


def _take(pool: Sequence[AdviceQuestion], start: int, count: int) -> tuple[AdviceQuestion, ...]:
    if start + count > len(pool):
        raise TriggerLensError(
            f"questions per cell {count}: this world has only {len(pool) - start} questions left"
            " for a cell; ask for fewer"
        )
    return tuple(pool[start : start + count])
