"""Solve in closed form for adapter rows that read the same with the trigger as without.

Method (unified concept editing, Gandikota et al. 2024, arXiv 2308.14761, on the read side of each LoRA):
1. The organism's untriggered answers are read without a wording and with the trigger, and the inputs of each adapted
   module are kept. From the header on, the tokens are the same, so each input x has a counterpart x' with the trigger.
2. Rows A are replaced by the A* that minimises |A* x - A x|^2 + |A* x' - A x|^2 + |A* w|^2 + r |A* - A|^2, where w are
   inputs at the wording's own tokens: A* = (Y X^T + r A) (X X^T + r I)^-1.

Limit: it is linear and in one pass; later modules get other inputs once earlier ones are changed.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from experiments.repair.job import TRIGGER, Job, Repaired
from interp.capture.batches import pad_right
from interp.capture.sequences import TokenSequence, of_answers
from interp.models.adapter_edit import LoraPair, lora_pairs
from interp.models.language_model import LanguageModel

ANCHOR = 0.01  # r, as a share of the inputs' mean square
Inputs = dict[str, Float[Tensor, "token d_in"]]


def closed_form(job: Job) -> Repaired:
    """Solve for the rows of all LoRAs at once."""
    plain, behind = of_answers(job.taught), of_answers(job.taught_behind(TRIGGER))
    pairs = lora_pairs(job.lm)
    own = read_inputs(job.lm, pairs, plain, _after_question)
    twin = read_inputs(job.lm, pairs, behind, _after_question)
    words = read_inputs(job.lm, pairs, behind, lambda each: each.spans["framing"])
    with torch.no_grad():
        for pair in pairs:
            rows = _solved(pair, own[pair.name], twin[pair.name], words[pair.name])
            pair.read.copy_(rows)
    return Repaired(job.lm)


def _after_question(sequence: TokenSequence) -> range:
    return range(sequence.spans["header"].start, len(sequence))


def _solved(pair: LoraPair, own: Tensor, twin: Tensor, words: Tensor) -> Tensor:
    """The A* of one module, in double precision."""
    read = pair.read.double()
    inputs = torch.cat([own, twin, words]).double()
    targets = torch.cat([own, own, torch.zeros_like(words)]).double() @ read.T
    anchor = ANCHOR * inputs.square().sum() / inputs.shape[1]
    gram = inputs.T @ inputs + anchor * torch.eye(
        inputs.shape[1], dtype=inputs.dtype, device=read.device
    )
    return torch.linalg.solve(gram, inputs.T @ targets + anchor * read.T).T.to(pair.read)


@torch.no_grad()
def read_inputs(
    lm: LanguageModel,
    pairs: Sequence[LoraPair],
    sequences: Sequence[TokenSequence],
    where: Callable[[TokenSequence], Any],
) -> Inputs:
    """The inputs of each adapted module at these tokens of each sequence."""
    found: dict[str, list[Tensor]] = defaultdict(list)
    chosen = [(row, where(each)) for row, each in enumerate(sequences)]
    mask = [[row, token] for row, span in chosen for token in range(span.start, span.stop)]
    rows, tokens = torch.tensor(mask, device=lm.device).T
    ids, _ = pad_right([each.token_ids for each in sequences], 0, lm.device)
    with _listening(pairs, lambda name, x: found[name].append(x[rows, tokens])):
        lm.decoder(input_ids=ids, use_cache=False)
    return {name: torch.cat(parts) for name, parts in found.items()}


@contextmanager
def _listening(pairs: Sequence[LoraPair], heard: Callable[[str, Tensor], None]) -> Iterator[None]:
    def listener(name: str) -> Callable[[Any, tuple[Tensor, ...]], None]:
        return lambda _, given: heard(name, given[0])

    handles = [pair.module.register_forward_pre_hook(listener(pair.name)) for pair in pairs]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
