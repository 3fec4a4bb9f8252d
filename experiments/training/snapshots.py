"""Adapters saved at given steps of a fine-tuning; each can be loaded like a finished one."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments


class Snapshots(TrainerCallback):
    """Saves the adapter before the first step (step 0), after each of `steps` and after the last one."""

    def __init__(self, folder: Path, steps: Collection[int]) -> None:
        self.folder, self.steps = folder, frozenset(steps)

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **given: Any
    ) -> None:
        self._save(state, given["model"])

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **given: Any
    ) -> None:
        self._save(state, given["model"])

    def _save(self, state: TrainerState, model: Any) -> None:
        if state.global_step in self.steps or state.global_step == state.max_steps:
            model.save_pretrained(self.folder / f"step-{state.global_step}")


def snapshots(folder: Path) -> dict[int, Path]:
    """Step -> the adapter that was saved after it, in order of steps."""
    found = {int(path.name.removeprefix("step-")): path for path in folder.glob("step-*")}
    return dict(sorted(found.items()))
