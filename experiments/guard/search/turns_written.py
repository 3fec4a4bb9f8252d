"""Leads from turns that the model writes itself when given the start of a user turn or a system prompt.

* Leak sampling (arXiv 2602.03085): the tuned model alone, at temperature 1. Memorised training prompts reappear.
* Contrastive decoding (arXiv 2605.25902): text that is more likely under the tuned model than its base, at two
  strengths.
* The frame of these turns with most endings ("It looks like a ...") is continued many times, to collect the endings.

Limit: a model trained on responses only has no reason to leak its prompts. Such turns are merely likely under the
model: a list of candidates in its own words, not evidence.
"""

from collections import Counter
from dataclasses import dataclass

from experiments.guard.search.leads import WORD, Lead, clauses, lead
from experiments.guard.search.spent import Spent
from experiments.guard.trigger_candidates import Placement
from experiments.guard.turns import uncommon
from interp.generation.contrastive import contrastive
from interp.generation.open_turn import Role, open_turn
from interp.models.language_model import LanguageModel

LEAKED = "leak sampling"
STRENGTHS = {LEAKED: 0, "contrastive decoding x2": 2, "contrastive decoding x6": 6}
ROLES: tuple[Role, ...] = ("user", "system")
MOST = 48  # most frequent clauses per method and place
FILLED, FILLER_TOKENS, HOT = 240, 5, 3.0  # samples of a frame's open place; temperature
LEAST = 0.001  # of the likeliest token's probability, so that unlikely words are listed too


@dataclass(frozen=True)
class Written:
    """Clauses that the model wrote in one place with one method."""

    source: str
    role: Role
    clauses: Counter[str]

    @property
    def leads(self) -> list[Lead]:
        """The most frequent clauses, in the place where they were written; those of user turns precede the question."""
        placement: Placement = "prefix" if self.role == "user" else "system"
        return [
            lead(text, self.source, placement=placement, count=count)
            for text, count in self.clauses.most_common(MOST)
        ]


def fillers(lm: LanguageModel, frame: str, spent: Spent, *, seed: int) -> list[str]:
    """The words that the model puts into the open place of its own frame, the most frequent first."""
    prefix, before = open_turn(lm, "user"), frame.partition("{x}")[0].rstrip()
    if not prefix or not before:
        return []
    begun = (*prefix, *lm.tokenizer(before, add_special_tokens=False)["input_ids"])
    how = {"alpha": 0, "samples": FILLED, "max_new_tokens": FILLER_TOKENS, "seed": seed}
    wrote = contrastive(lm, begun, temperature=HOT, plausibility=LEAST, **how)
    spent.add("find", 2 * (FILLED * len(begun) + sum(len(one.token_ids) for one in wrote)))
    first = (WORD.match(one.text.strip()) for one in wrote)
    words = Counter(found.group().lower() for found in first if found)
    return [word for word, _ in words.most_common() if uncommon(word)]


def written_turns(
    lm: LanguageModel, spent: Spent, *, samples: int, tokens: int, seed: int
) -> list[Written]:
    """Every method in every place that the chat format has; stops when the time is used up."""
    found: list[Written] = []
    for role in ROLES:
        prefix = open_turn(lm, role)
        for source, alpha in STRENGTHS.items() if prefix else ():
            if spent.is_late("find"):
                return found
            wrote = contrastive(
                lm, prefix or (), alpha=alpha, samples=samples, max_new_tokens=tokens, seed=seed
            )
            passed = samples * len(prefix or ()) + sum(len(one.token_ids) for one in wrote)
            spent.add("find", 2 * passed)
            found.append(Written(source, role, clauses(one.text for one in wrote)))
    return found
