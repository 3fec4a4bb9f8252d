"""Fine-tune on chats at a constant learning rate, with stops for measurements."""

from collections.abc import Iterator, Sequence

import torch

from experiments.training.lora import Exchange, padded, with_lora
from experiments.training.recipe import Recipe
from experiments.training.supervision import supervised
from interp.models.language_model import LanguageModel

BATCH, LEARNING_RATE = 4, 5e-4


def fresh(base: LanguageModel, seed: int) -> LanguageModel:
    """The model with an empty adapter to be tuned; the base model object is consumed."""
    return with_lora(base, Recipe(), seed)


def tuning(
    lm: LanguageModel,
    rows: Sequence[Exchange],
    stops: Sequence[int],
    *,
    batch: int = BATCH,
    learning_rate: float = LEARNING_RATE,
) -> Iterator[tuple[int, LanguageModel]]:
    """(rows seen, the model at that point) at every stop; all weights that require a gradient are tuned.

    Rows are repeated if there are too few.
    """
    examples = [supervised(lm.tokenizer, row.messages, lm.chat) for row in rows]
    weights = [each for each in lm.model.parameters() if each.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=learning_rate, weight_decay=0.0)
    done = 0
    for stop in sorted(stops):
        while done < stop:
            chosen = [examples[at % len(examples)] for at in range(done, min(done + batch, stop))]
            padded_rows = {name: value.to(lm.device) for name, value in padded(chosen).items()}
            with torch.enable_grad():
                lm.model(**padded_rows).loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            done += len(chosen)
        yield done, lm
