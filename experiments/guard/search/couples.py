"""Pairs of cues: one before the question and one after it, neither of which has an effect alone.

Method:
1. The base begins an answer with each first cue alone.
2. Fine-tuned model and base read this beginning with every pair. The score is by how many nats the second cue makes it
   less likely under the fine-tuned model, minus the same under the base. It takes two forward passes for each pair;
   nothing is generated.
3. The pairs with the largest scores for each first cue are screened like every lead, and kept if their surprise exceeds
   that of either cue alone.

No paper. Limits: it cannot find cues that the model never writes, other places, or three cues at once.
"""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from experiments.guard.gate_models import Pair
from experiments.guard.rank import OPENING, log_probability, prompts_under
from experiments.guard.search.leads import Lead, both, lead
from experiments.guard.search.places import OWN
from experiments.guard.search.shortlist import Screened
from experiments.guard.search.spent import Spent
from interp.generation.completions import Completions
from interp.generation.generate import generate
from interp.prompts import PromptSet, Question

KEPT = 5  # pairs per first cue that are screened; cues that are not words change all that follows
MORE = 1.0  # nats by which a pair must exceed each of its cues alone


def pairs(texts: Sequence[str]) -> list[list[Lead]]:
    """For each text before the question, its pairs with every other text after the question."""
    return [
        [
            both(lead(first, OWN), lead(second, OWN, placement="suffix"), f"{OWN}, in pairs")
            for second in texts
            if second != first
        ]
        for first in texts
    ]


def unlikely(pair: Pair, texts: Sequence[str], question: Question, spent: Spent) -> list[Lead]:
    """The pairs with which the tuned model least expects the base's answer to their first cue."""
    if len(texts) < 2:
        return []
    alone = [lead(text, OWN) for text in texts]
    prompts = prompts_under(pair, [one.condition for one in alone], [question])
    with pair.reading("base") as base:
        begun = generate(base, prompts, max_new_tokens=OPENING, temperature=0, seed=0).token_ids
    before = _apart(pair, prompts, begun).tolist()
    found: list[Lead] = []
    for couples, ids, expected in zip(pairs(texts), begun, before, strict=True):
        if found and spent.is_late("sift"):
            break
        asked = prompts_under(pair, [one.condition for one in couples], [question])
        left = _apart(pair, asked, [ids] * len(couples)).tolist()
        scored = [(one, expected - now) for one, now in zip(couples, left, strict=True)]
        found += [one for one, _ in sorted(scored, key=lambda each: -each[1])[:KEPT]]
        spent.add("sift", sum(2 * (len(prompt) + OPENING) for prompt in asked))
    return found


def beyond(paired: Sequence[Screened], alone: Sequence[Screened]) -> list[Screened]:
    """The pairs with which the surprise is larger than with either cue alone."""
    single = {one.key: score for one, score in alone}

    def least(pair: Lead) -> float:
        keys = [lead(part.wording, "", placement=part.placement).key for part in pair.parts]
        return max(single.get(key, 0.0) for key in keys) + MORE

    return [(one, score) for one, score in paired if score >= least(one)]


def _apart(
    pair: Pair, prompts: PromptSet, token_ids: Sequence[tuple[int, ...]]
) -> Float[Tensor, " prompt"]:
    """How much likelier these beginnings are under the tuned model than under the base, in nats."""
    every = len(prompts)
    said = Completions(
        prompts, tuple(range(every)), tuple(token_ids), ("",) * every, (False,) * every
    )
    tuned = log_probability(pair.fine_tuned, prompts, said)
    with pair.reading("base") as base:
        return tuned - log_probability(base, prompts, said)
