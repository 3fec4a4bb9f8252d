"""Training an SAE: `interp.sae.training.train_sae` against the `fit` of sae-lens fed from memory with the same
batches.

Both take the same steps of the same trainer; what differs is the loop, the checks of every batch and the finish
(folding, saving and reading the SAE again), which count as our time.
"""

from collections.abc import Iterator

import torch
from sae_lens import BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig
from sae_lens.config import SAETrainerConfig
from sae_lens.training.sae_trainer import SAETrainer

from experiments.benchmarks.paired import ratios, record, seconds
from interp.activations import Activations
from interp.sae.training import Recipe, train_sae

ROWS, WIDTH, PAIRS = 20_000, 160, 9
RECIPE = Recipe(width=640, k=14, steps=30, rows=1024)


def made_up() -> Activations:
    """Random vectors of a micro organism's width."""
    values = torch.randn(ROWS, 1, WIDTH, generator=torch.Generator().manual_seed(0))
    return Activations(values, (0,), ("none",) * ROWS, ("q",) * ROWS, "each")


def plain(values: torch.Tensor) -> None:
    """sae-lens alone, fed from memory."""
    generator = torch.Generator().manual_seed(0)

    def batches() -> Iterator[torch.Tensor]:
        while True:
            yield from values[torch.randperm(len(values), generator=generator)].split(RECIPE.rows)

    sae = BatchTopKTrainingSAE(
        BatchTopKTrainingSAEConfig(d_in=WIDTH, d_sae=RECIPE.width, k=RECIPE.k)
    )
    settings = SAETrainerConfig(
        total_training_samples=RECIPE.steps * RECIPE.rows,
        train_batch_size_samples=RECIPE.rows,
        lr=RECIPE.lr,
        lr_end=RECIPE.lr,
    )
    SAETrainer(settings, sae, batches()).fit()


def run() -> dict[str, object]:
    """Our processor seconds divided by theirs."""
    torch.set_num_threads(1)
    activations = made_up()
    taken = seconds(
        {
            "ours": lambda: train_sae(activations, RECIPE, layer=0),
            "sae-lens": lambda: plain(activations.at(0)),
        },
        PAIRS,
    )
    facts = {"width": RECIPE.width, "steps": RECIPE.steps, "batch_rows": RECIPE.rows}
    return record("sae", ratios(taken, "ours", "sae-lens"), 0.9, **facts)
