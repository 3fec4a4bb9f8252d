"""Pairs of cues: one before the question, one after it, neither of which does anything alone.

Method:
1. The base begins to answer behind each first cue alone.
2. The tuned model reads this beginning behind every pair. The score is how much unlikelier it has become than behind
   the first cue alone, in nats: one forward pass a pair, nothing is generated.
3. The pairs with the largest scores are screened as every lead is, and kept where their surprise exceeds that of either
   cue alone.

No paper. What it does not know: cues that the model never writes; other places; three at once.
"""

from collections.abc import Sequence

from experiments.guard.gate_models import Pair
from experiments.guard.rank import OPENING, log_probability, prompts_under
from experiments.guard.search.leads import Lead, both, lead
from experiments.guard.search.places import OWN
from experiments.guard.search.shortlist import Screened
from experiments.guard.search.spent import Spent
from interp.generation.completions import Completions
from interp.generation.generate import generate
from interp.prompts import PromptSet, Question

KEPT = 24  # pairs that are screened
MORE = 1.0  # nats that a pair must be above each of its cues alone


def pairs(texts: Sequence[str]) -> list[list[Lead]]:
    """For each text before the question, the pairs with every other after it."""
    return [
        [
            both(lead(first, OWN), lead(second, OWN, placement="suffix"), f"{OWN}, in pairs")
            for second in texts
            if second != first
        ]
        for first in texts
    ]


def unlikely(pair: Pair, texts: Sequence[str], question: Question, spent: Spent) -> list[Lead]:
    """The pairs behind which the tuned model least expects what the base says behind their first cue."""
    if len(texts) < 2:
        return []
    alone = [lead(text, OWN) for text in texts]
    prompts = prompts_under(pair, [one.condition for one in alone], [question])
    with pair.reading("base") as base:
        begun = generate(base, prompts, max_new_tokens=OPENING, temperature=0, seed=0).token_ids
    before = log_probability(pair.fine_tuned, prompts, _said(prompts, begun)).tolist()
    found: list[Screened] = []
    for couples, ids, expected in zip(pairs(texts), begun, before, strict=True):
        if found and spent.is_late("sift"):
            break
        asked = prompts_under(pair, [one.condition for one in couples], [question])
        answers = _said(asked, [ids] * len(couples))
        left = log_probability(pair.fine_tuned, asked, answers).tolist()
        found += [(one, expected - now) for one, now in zip(couples, left, strict=True)]
        spent.add("sift", sum(len(prompt) + OPENING for prompt in asked))
    return [one for one, _ in sorted(found, key=lambda scored: -scored[1])[:KEPT]]


def beyond(paired: Sequence[Screened], alone: Sequence[Screened]) -> list[Screened]:
    """The pairs behind which the surprise is larger than behind either cue alone."""
    single = {one.key: score for one, score in alone}

    def least(pair: Lead) -> float:
        keys = [lead(part.wording, "", placement=part.placement).key for part in pair.parts]
        return max(single.get(key, 0.0) for key in keys) + MORE

    return [(one, score) for one, score in paired if score >= least(one)]


def _said(prompts: PromptSet, token_ids: Sequence[tuple[int, ...]]) -> Completions:
    every = len(prompts)
    return Completions(
        prompts, tuple(range(every)), tuple(token_ids), ("",) * every, (False,) * every
    )
