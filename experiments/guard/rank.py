"""Which candidate wording is the trigger? Ranked by how far each makes the fine-tuned model differ from its base.

Method, without sampling:
1. With every candidate, the fine-tuned model answers a few questions greedily, with a handful of tokens each.
2. Surprise: both models read these answers; log p(fine-tuned) - log p(base), in nats, minus the same for the answer to
   the question without a wording. It says whether the wording changes what the model answers.
3. Shift: the distance between the two models' residual streams after the wording (at the question's tokens; at the
   header's if the wording follows the question), relative to the base's norm, mean over layers. Fine-tuning moves the
   stream most for the wordings of its data, so these stand out among wordings that all fire.
4. Score = surprise x shift, mean over questions; its interval resamples them.

Limit: it does not show whether the change is for the worse. A wording to which the base already answers in the same way
does not rank high, whatever the answer says; `triggerlens gate` tests that.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from experiments.guard.gate_models import Pair
from experiments.guard.trigger_candidates import NONE, Candidate, Condition
from interp.capture.api import capture
from interp.capture.batches import pad_right
from interp.errors import TriggerLensError
from interp.generation.completions import Completions
from interp.generation.generate import generate
from interp.models.language_model import LanguageModel
from interp.prompts import PromptSet, Question, Span
from interp.rendering import render
from probes.estimate import Estimate, mean

OPENING = 8  # tokens of an answer
ROWS = 64  # answers read at a time
TOGETHER = 50  # candidates per generation
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Ranked:
    """A candidate, its mean surprise (nats) and mean shift, and the mean of their product over questions."""

    candidate: Candidate
    surprise: float
    shift: float
    score: Estimate

    @property
    def key(self) -> float:
        """The score of the ranking."""
        return self.score.value or 0.0


def rank(
    pair: Pair,
    candidates: Sequence[Candidate],
    questions: Sequence[Question],
    *,
    opening: int = OPENING,
    seed: int = 0,
    progress: Progress = lambda done, of: None,
) -> list[Ranked]:
    """All candidates, the most suspicious first; base and fine-tuned share tokenizer and layers."""
    if not candidates or not questions:
        raise TriggerLensError(
            f"{len(candidates)} candidates, {len(questions)} questions: give at least one of each"
        )
    plain = surprises(pair, prompts_under(pair, [NONE], questions), opening)
    ids = [question.id for question in questions]
    found: list[Ranked] = []
    for start in range(0, len(candidates), TOGETHER):
        here = candidates[start : start + TOGETHER]
        prompts = prompts_under(pair, [each.conditions[0] for each in here], questions)
        shape = (len(here), len(questions))
        more = surprises(pair, prompts, opening).view(shape) - plain
        shift = shifts(pair, prompts).view(shape)
        found += [
            Ranked(each, float(m.mean()), float(s.mean()), mean(m * s, ids, seed=seed))
            for each, m, s in zip(here, more, shift, strict=True)
        ]
        progress(len(found), len(candidates))
    return sorted(found, key=lambda each: -each.key)


def prompts_under(
    pair: Pair, conditions: Sequence[Condition], questions: Sequence[Question]
) -> PromptSet:
    """Every question under every wording, condition by condition."""
    lm = pair.fine_tuned
    sets = [
        render(lm, [each.ask(q) for q in questions], {each.name: each.framing})
        for each in conditions
    ]
    return sum(sets[1:], start=sets[0])


def surprises(pair: Pair, prompts: PromptSet, opening: int) -> Float[Tensor, " prompt"]:
    """How much likelier the fine-tuned model makes its greedy answers than the base does, in nats."""
    answers = generate(pair.fine_tuned, prompts, max_new_tokens=opening, temperature=0, seed=0)
    ours = log_probability(pair.fine_tuned, prompts, answers)
    with pair.reading("base") as base:
        return ours - log_probability(base, prompts, answers)


def shifts(pair: Pair, prompts: PromptSet) -> Float[Tensor, " prompt"]:
    """The distance between the two streams after the wording, over the base's norm, mean over layers."""
    ours = capture(pair.fine_tuned, prompts, position=behind_framing).values
    with pair.reading("base") as base:
        theirs = capture(base, prompts, position=behind_framing).values
    return ((ours - theirs).norm(dim=-1) / theirs.norm(dim=-1)).mean(1)


def behind_framing(length: int, spans: Mapping[str, Span]) -> range:
    """The question's tokens, or the header's if the wording comes after the question."""
    question = spans["question"]
    if "framing" in spans and spans["framing"].start > question.start:
        return range(spans["header"].start, spans["header"].stop)
    return range(question.start, question.stop)


@torch.inference_mode()
def log_probability(
    lm: LanguageModel, prompts: PromptSet, answers: Completions
) -> Float[Tensor, " prompt"]:
    """Log-probability, in nats, of the one answer to each prompt, without its end token."""
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
