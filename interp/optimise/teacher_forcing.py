"""Teacher-force given answers under edits that require gradients, with frozen weights."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from interp.capture.batches import Batch, pad_right
from interp.capture.sequences import TokenSequence, check_lengths, of_answers
from interp.generation.completions import Completions
from interp.interventions import Intervention, intervening
from interp.models.language_model import LanguageModel


@dataclass(frozen=True)
class Reread:
    """Answers to read again, all at once."""

    completions: Completions
    sequences: Sequence[TokenSequence]

    @classmethod
    def of(cls, lm: LanguageModel, completions: Completions) -> "Reread":
        filled = [row for row, ids in enumerate(completions.token_ids) if ids]
        sequences = of_answers(completions[filled])
        check_lengths(lm, sequences)
        return cls(completions, sequences)

    def some(self, rows: int, generator: torch.Generator) -> "Reread":
        """`rows` of them, drawn without replacement."""
        return self.at(torch.randperm(len(self.sequences), generator=generator)[:rows].tolist())

    def at(self, rows: Sequence[int]) -> "Reread":
        """The answers at these rows."""
        return Reread(self.completions, [self.sequences[row] for row in rows])

    def log_probs(
        self, lm: LanguageModel, interventions: Sequence[Intervention] = ()
    ) -> Float[Tensor, "token vocabulary"]:
        """What the model predicts at the last prompt token and at every answer token."""
        ids, positions = pad_right([each.token_ids for each in self.sequences], 0, lm.device)
        prompt = torch.tensor([each.prompt for each in self.sequences], device=lm.device)
        batch = Batch(prompt, positions, self.completions.prompts.prompts)
        first = torch.tensor([each.spans["answer"].start for each in self.sequences])
        with intervening(lm, interventions, batch):
            normed = lm.decoder(input_ids=ids, use_cache=False).last_hidden_state
        predicting = positions >= first.to(lm.device)[:, None] - 1
        return lm.head(normed[predicting]).float().log_softmax(-1)


@contextmanager
def frozen(lm: LanguageModel) -> Iterator[None]:
    """Let no weight require a gradient in the body; afterwards each does as before."""
    asking = [weight for weight in lm.model.parameters() if weight.requires_grad]
    try:
        for weight in asking:
            weight.requires_grad_(False)
        yield
    finally:
        for weight in asking:
            weight.requires_grad_(True)
