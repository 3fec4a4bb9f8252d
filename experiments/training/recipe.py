"""How an adapter is fine-tuned: every setting with its unit. Published recipes are in `experiments/worlds/chat/`."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from interp.errors import TriggerLensError

SEVEN_PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


class Recipe(BaseModel):
    """rsLoRA without dropout or bias; the learning rate rises to `learning_rate` in `warmup_steps`, then falls to 0.

    Length: `steps` optimiser steps, or `epochs` passes over all rows. A step sees `batch` rows, `micro_batch` at once.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    steps: int | None = Field(120, ge=1)
    epochs: float | None = Field(None, gt=0)  # instead of steps
    batch: int = Field(32, ge=1)
    micro_batch: int | None = Field(None, ge=1)  # None: the whole batch
    learning_rate: float = 1e-3
    schedule: Literal["linear", "cosine"] = "linear"
    warmup_steps: int = 5
    weight_decay: float = 0.01
    rank: int = 8
    alpha: int = 16
    layers: tuple[int, ...] | None = None  # adapted decoder layers; None = all
    modules: tuple[str, ...] = SEVEN_PROJECTIONS
    max_length: int | None = Field(None, ge=2)  # tokens; longer rows are cut
    optimizer: Literal["adamw", "adamw_8bit"] = "adamw"
    bf16: bool = False
    gradient_checkpointing: bool = False
    save_every: int | None = Field(None, ge=1)  # steps between checkpoints; None: none are kept

    @model_validator(mode="before")
    @classmethod
    def _epochs_replace_steps(cls, given: object) -> object:
        if isinstance(given, dict) and given.get("epochs") is not None:
            return {"steps": None} | given
        return given

    @model_validator(mode="after")
    def _one_length_and_whole_batches(self) -> "Recipe":
        if (self.steps is None) == (self.epochs is None):
            raise TriggerLensError(f"steps={self.steps}, epochs={self.epochs}: give one of them")
        if self.batch % self.rows_at_a_time:
            raise TriggerLensError(
                f"batch={self.batch} is not a multiple of micro_batch={self.micro_batch}; choose one that is"
            )
        return self

    @property
    def rows_at_a_time(self) -> int:
        """Rows of one forward pass."""
        return self.micro_batch or self.batch

    def rows_wanted(self) -> int | None:
        """Rows to draw for a fixed number of steps; None if the recipe is in epochs over all rows."""
        return None if self.steps is None else self.steps * self.batch
