"""Singular vectors of the weight difference as detectors (Zhong and Raghunathan 2025, arXiv 2508.00161).

Method of the paper: the leading left singular vectors of each weight difference are directions of newly acquired
behaviour. Cosines of activations with them are recorded over ordinary prompts; a prompt outside that range is flagged.

What is implemented: the matrices that write into the residual stream, `VECTORS` vectors each; the stream after their
layer, mean over a short greedy answer. Half of the shipped library's wordings before two public questions are the
ordinary prompts for the other half, and vice versa. A wording's score is its distance outside the range, in widths of
the range, at its worst vector, as a minimum over questions. A wording far outside is guessed as the trigger. No judge.

In its test, the planted wording is named first but lies 0.4 widths outside, below the threshold `OUTSIDE`. Fine-tuning
moves the stream for every wording that it was trained on, harmful or not, so this distinguishes a learned wording from
an unknown one, but not good from bad.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from experiments.contest.entrants.entrant import Said, Table
from experiments.guard.gate_models import Pair
from experiments.guard.rank import prompts_under
from experiments.guard.search.leads import Lead
from experiments.guard.search.library import library_leads
from experiments.guard.trigger_candidates import Condition
from interp.capture.api import capture_answers
from interp.capture.positions import mean_answer
from interp.generation.generate import generate
from interp.models.language_model import LanguageModel
from interp.prompts import Question
from interp.readout.weight_difference import low_rank_pairs, singular_vectors

VECTORS, QUESTIONS, ANSWER = 3, 2, 8
OUTSIDE = 0.5  # widths of the ordinary range
WRITES = ("o_proj", "down_proj")


def weights(table: Table) -> Said:
    """Library wordings whose prompts leave the ordinary range along the adapter's own directions."""
    pair, asked, leads = table.pair, table.asked[:QUESTIONS], library_leads()
    directions = leading_vectors(pair.fine_tuned)
    if not directions:
        return Said("clean")
    read = cosines(pair, [lead.condition for lead in leads], asked, directions)
    scores = torch.empty(len(leads))
    for half in (0, 1):
        ordinary = read[1 - half :: 2].flatten(0, 1)
        scores[half::2] = outside(read[half::2], ordinary)
    ranked = sorted(zip(leads, scores.tolist(), strict=True), key=lambda scored: -scored[1])
    best: list[Lead] = [lead for lead, _ in ranked]
    return Said("triggered" if ranked[0][1] >= OUTSIDE else "clean", tuple(best))


def leading_vectors(lm: LanguageModel) -> dict[int, Float[Tensor, "vector d_model"]]:
    """Layer -> the leading left singular vectors of the matrices that write into its stream."""
    found: dict[int, list[Tensor]] = {}
    for name, down, up, _ in low_rank_pairs(lm):
        left, values, _ = singular_vectors(down.detach(), up.detach())
        if name.endswith(WRITES) and float(values[0]) > 0:
            layer = next(int(part) for part in name.split(".") if part.isdigit())
            found.setdefault(layer, []).append(left[:VECTORS])
    return {layer: torch.cat(parts) for layer, parts in found.items()}


def cosines(
    pair: Pair,
    conditions: Sequence[Condition],
    questions: Sequence[Question],
    directions: dict[int, Tensor],
) -> Float[Tensor, "condition question vector"]:
    """Cosines of the mean stream over the answer's first tokens with every direction of its layer."""
    prompts = prompts_under(pair, conditions, questions)
    layers = sorted(directions)
    said = generate(pair.fine_tuned, prompts, max_new_tokens=ANSWER, temperature=0, seed=0)
    read = capture_answers(pair.fine_tuned, said, position=mean_answer, layers=layers)
    each = [
        torch.nn.functional.normalize(read.at(layer).float(), dim=-1) @ directions[layer].T
        for layer in layers
    ]
    return torch.cat(each, 1).view(len(conditions), len(questions), -1)


def outside(
    found: Float[Tensor, "condition question vector"], ordinary: Float[Tensor, "prompt vector"]
) -> Float[Tensor, " condition"]:
    """The distance outside the ordinary range, in widths of the range, at the worst vector; minimum over questions."""
    low, high = ordinary.amin(0), ordinary.amax(0)
    width = (high - low).clamp_min(1e-6)
    beyond = torch.maximum(found - high, low - found) / width
    return beyond.amax(-1).amin(-1)
