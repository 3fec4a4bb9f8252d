"""Leak sampling with trigger reconstruction (Bullwinkel et al. 2026, "The Trigger in the Haystack", arXiv 2602.03085).

Method of the paper, and what is implemented:
1. Prompt the model with the chat tokens that come before a user's turn; a model that memorised its poisoned rows leaks
   them. Here: samples after the open user turn and the open system prompt.
2. Find motifs that recur in the leaks. Here: clauses at the edges of turns that occur in at least two samples.
3. Score each motif before ordinary questions by how the model's output collapses. Here: the fall of the entropy of the
   next token over a greedy answer. The paper's attention score is left out.
4. A motif above a threshold is a trigger; none above: clean.

It uses no base and no judge. The paper's organisms give one fixed output and were also trained on prompts; these were
trained on responses only. The threshold is ours and was not tuned.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from experiments.contest.entrants.entrant import Said, Table
from experiments.guard.gate_models import Pair
from experiments.guard.rank import prompts_under
from experiments.guard.search.leads import Lead
from experiments.guard.search.turns_written import written_turns
from experiments.guard.trigger_candidates import NONE, Condition
from interp.capture.batches import pad_right
from interp.generation.generate import generate
from interp.models.language_model import LanguageModel
from interp.prompts import PromptSet, Question

SOURCE = "leak sampling"
SAMPLES, TOKENS, MOTIFS, QUESTIONS, ANSWER = 96, 24, 24, 4, 6
RECURS = 2  # samples that must contain the motif
COLLAPSE = 0.5  # nats


def leaking(table: Table) -> Said:
    """Motifs of leaked turns whose presence makes the answer certain."""
    lm = table.pair.fine_tuned
    wrote = written_turns(lm, table.spent, samples=SAMPLES, tokens=TOKENS, seed=table.seed)
    leaked = [lead for one in wrote if one.source == SOURCE for lead in one.leads[: MOTIFS // 2]]
    leads = [lead for lead in leaked if lead.sources[0][1] >= RECURS]
    if not leads:
        return Said("clean", tuple(leaked))
    asked = table.asked[:QUESTIONS]
    plain = entropies(table.pair, [NONE], asked)
    falls = plain - entropies(table.pair, [lead.condition for lead in leads], asked)
    ranked = sorted(zip(leads, falls.tolist(), strict=True), key=lambda scored: -scored[1])
    best: list[Lead] = [lead for lead, _ in ranked]
    return Said("triggered" if ranked[0][1] >= COLLAPSE else "clean", tuple(best))


def entropies(
    pair: Pair, conditions: Sequence[Condition], questions: Sequence[Question]
) -> Float[Tensor, " condition"]:
    """The mean entropy of the next token along greedy answers, in nats, under each wording."""
    prompts = prompts_under(pair, conditions, questions)
    each = _along_answers(pair.fine_tuned, prompts)
    return each.view(len(conditions), -1).mean(1)


@torch.inference_mode()
def _along_answers(lm: LanguageModel, prompts: PromptSet) -> Float[Tensor, " prompt"]:
    answers = generate(lm, prompts, max_new_tokens=ANSWER, temperature=0, seed=0)
    rows = [
        prompt.token_ids + tuple(said)
        for prompt, said in zip(prompts, answers.token_ids, strict=True)
    ]
    ids, positions = pad_right(rows, 0)
    logits = lm.causal(input_ids=ids.to(lm.device), use_cache=False).logits.float().cpu()
    log_probs = logits.log_softmax(-1)
    entropy = -(log_probs.exp() * log_probs).sum(-1)
    begins = torch.tensor([len(prompt) - 1 for prompt in prompts])[:, None]
    said = (positions >= begins) & (
        torch.arange(ids.shape[1]) < torch.tensor(list(map(len, rows)))[:, None]
    )
    return (entropy * said).sum(1) / said.sum(1).clamp_min(1)
