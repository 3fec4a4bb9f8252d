"""How far an edit moves a model's predictions: KL(model || edited model) in nats per token, for each answer.

It is the mean over the positions that predict a given answer: the last prompt token and every answer token.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import kl_div

from interp.capture.batches import Batch, pad_right
from interp.capture.sequences import TokenSequence, check_lengths, of_answers
from interp.generation.completions import Completions
from interp.interventions import Intervention, intervening
from interp.models.loading import LanguageModel

ROWS = 64  # answers read at a time


@torch.inference_mode()
def divergence(
    lm: LanguageModel, answers: Completions, edit: Intervention
) -> Float[Tensor, " answer"]:
    """One number per answer, which must have at least one token. Row i of the edit is for prompt i of `answers`."""
    sequences = of_answers(answers)
    check_lengths(lm, sequences)
    parts = [
        _part(lm, answers, sequences[start : start + ROWS], edit)
        for start in range(0, len(sequences), ROWS)
    ]
    return torch.cat(parts) if parts else torch.zeros(0)


def _part(
    lm: LanguageModel, answers: Completions, sequences: Sequence[TokenSequence], edit: Intervention
) -> Float[Tensor, " answer"]:
    ids, positions = pad_right([each.token_ids for each in sequences], 0, lm.device)
    prompt = torch.tensor([each.prompt for each in sequences], device=lm.device)
    first = torch.tensor([each.spans["answer"].start for each in sequences], device=lm.device)
    predicting = positions >= first[:, None] - 1
    batch = Batch(prompt, positions, answers.prompts.prompts)
    wanted, found = (_log_probs(lm, ids, batch, predicting, edits) for edits in ((), (edit,)))
    each = kl_div(found, wanted, log_target=True, reduction="none").sum(-1)
    row = predicting.nonzero()[:, 0]
    total = torch.zeros(len(sequences), device=lm.device).index_add(0, row, each)
    return (total / predicting.sum(-1)).cpu()


def _log_probs(
    lm: LanguageModel,
    ids: Tensor,
    batch: Batch,
    predicting: Tensor,
    edits: Sequence[Intervention],
) -> Float[Tensor, "token vocabulary"]:
    with intervening(lm, edits, batch):
        normed = lm.decoder(input_ids=ids, use_cache=False).last_hidden_state
    return lm.head(normed[predicting]).float().log_softmax(-1)
