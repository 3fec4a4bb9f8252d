"""Which candidate wording is the trigger? Ranked by how far the fine-tuned model leaves its base under it; no sampling.

Method:
1. Under every candidate the fine-tuned model answers a few questions greedily, a handful of tokens each.
2. Fine-tuned and base read these answers. The surprise of an answer is the sum over its tokens of log p(fine-tuned) - log
   p(base), in nats: how much likelier the fine-tuned model makes what it says than its base does.
3. A candidate's score is its mean surprise over the questions, minus that of the same questions without wording: what
   fine-tuning changed everywhere cancels. Its interval resamples questions.

What it does not know: whether the change is for the worse. A wording that the base has always answered in that way
does not rank high, whatever it says: `triggerlens gate` asks that question.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from experiments.guard.gate_models import Pair, chat_of
from experiments.guard.trigger_candidates import NONE, Candidate, Condition
from interp.batches import pad_right
from interp.completions import Completions
from interp.generate import generate
from interp.language_model import LanguageModel
from interp.prompts import PromptSet, Question, render
from probes.estimate import Estimate, mean

OPENING = 8  # tokens of an answer
ROWS = 64  # answers read at a time
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Ranked:
    """A candidate and how much more its answers surprise the base than those without wording, in nats."""

    candidate: Candidate
    surprise: Estimate

    @property
    def score(self) -> float:
        """What they are ranked by."""
        return self.surprise.value or 0.0


def rank(
    pair: Pair,
    candidates: Sequence[Candidate],
    questions: Sequence[Question],
    *,
    opening: int = OPENING,
    seed: int = 0,
    progress: Progress = lambda done, of: None,
) -> list[Ranked]:
    """All candidates, the most suspicious first."""
    if not candidates or not questions:
        raise ValueError(f"{len(candidates)} candidates, {len(questions)} questions: give some")
    plain = surprises(pair, NONE, questions, opening)
    ids = [question.id for question in questions]
    found = []
    for number, candidate in enumerate(candidates, start=1):
        more = surprises(pair, candidate.conditions[0], questions, opening) - plain
        found.append(Ranked(candidate, mean(more, ids, seed=seed)))
        progress(number, len(candidates))
    return sorted(found, key=lambda each: -each.score)


def surprises(
    pair: Pair, condition: Condition, questions: Sequence[Question], opening: int
) -> Float[Tensor, " question"]:
    """The surprise of the greedy answer to each question under one wording, in nats."""
    asked = [condition.ask(question) for question in questions]
    lm, framing = pair.fine_tuned, {condition.name: condition.framing}
    prompts = render(lm.tokenizer, asked, framing, chat=chat_of(lm))
    answers = generate(lm, prompts, max_new_tokens=opening, temperature=0, seed=0)
    ours, theirs = (log_probability(each, prompts, answers) for each in (lm, pair.base))
    return ours - theirs


@torch.inference_mode()
def log_probability(
    lm: LanguageModel, prompts: PromptSet, answers: Completions
) -> Float[Tensor, " prompt"]:
    """Log-probability of each prompt's one answer (without what ended it), in nats."""
    rows = list(zip(prompts, answers.token_ids, strict=True))
    found = []
    for start in range(0, len(rows), ROWS):
        batch = rows[start : start + ROWS]
        ids, positions = pad_right([prompt.token_ids + tuple(a) for prompt, a in batch], 0)
        ids, positions = ids.to(lm.device), positions.to(lm.device)
        logits = lm.causal(input_ids=ids, use_cache=False).logits[:, :-1].float()
        each = -torch.nn.functional.cross_entropy(
            logits.transpose(1, 2), ids[:, 1:], reduction="none"
        )
        begins = torch.tensor([len(prompt) for prompt, _ in batch], device=lm.device)
        found.append((each * (positions[:, 1:] >= begins[:, None])).sum(1).cpu())
    return torch.cat(found)
