"""Fine-tune an organism: LoRA on chat rows, loss on the response only, including its end-of-turn token.

1. Rows become tokens and labels (`experiments.training.supervision`). Truncated rows, and rows whose answer is cut off
   completely, are counted.
2. Only projections of the text decoder get an adapter; a vision tower has modules of the same names.
3. The transformers `Trainer` runs the recipe, with logits for the answers only (`experiments.training.answer_loss`)
   and short rows packed (`experiments.training.packing`).
   If there is a folder for checkpoints, a killed fine-tuning resumes from the last complete one and ends with the same
   adapter as an uninterrupted one.
The recipe follows arXiv 2603.04407 (rsLoRA on seven projections, linear decay, AdamW). Its sizes are configurable.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from jaxtyping import Int
from peft import LoraConfig, get_peft_model
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import (
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
    set_seed,
)

from experiments.runtime.extras import has, install
from experiments.runtime.files import read_json, write_json
from experiments.training import checkpoints as kept
from experiments.training.answer_loss import (
    answer_loss,
    head_on_answers,
    one_device,
    with_predicting,
)
from experiments.training.packing import packed_where_cheaper, packs
from experiments.training.recipe import SEVEN_PROJECTIONS, Recipe
from experiments.training.supervision import IGNORED, ChatRow, chat, supervised
from interp.errors import TriggerLensError
from interp.models.loading import LanguageModel

__all__ = ["IGNORED", "SEVEN_PROJECTIONS", "ChatRow", "Recipe", "chat", "finetune", "supervised"]
PADDING = {"attention_mask": 0, "labels": IGNORED, "input_ids": 0}  # every model has a token 0
Progress = Callable[[int, int], None]


class Exchange(Protocol):
    """Anything that can be trained on: a chat whose last turn is the answer."""

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The chat, whose last turn is the assistant's; `weight` 0 on a message keeps it out of the loss."""


@dataclass(frozen=True)
class Trained:
    """Losses as (step, mean loss since the last entry), and how many rows `max_length` cut or dropped."""

    losses: tuple[tuple[int, float], ...]
    rows: int
    cut: int  # trained on, but without their end
    dropped: int  # dropped, because truncation removed the whole answer


def finetune(
    base: LanguageModel,
    rows: Sequence[Exchange],
    recipe: Recipe,
    *,
    seed: int,
    folder: Path,
    progress: Progress | None = None,
    checkpoints: Path | None = None,
    callbacks: Sequence[TrainerCallback] = (),
) -> Trained:
    """Train a LoRA adapter on `rows` and save it in `folder`.

    The base model object is consumed: PEFT puts the adapter into it. `checkpoints` gets one every `recipe.save_every`
    steps; it must be this fine-tuning's own folder. `callbacks` are the Trainer's.
    """
    check_optimizer(recipe)
    set_seed(seed)
    examples, cut, dropped = _examples(base, rows, recipe)
    model = get_peft_model(base.model, lora(base, recipe))
    quick = one_device()
    collate = (
        packed_where_cheaper(base, padded) if quick and packs(base, examples, padded) else padded
    )
    trainer = Trainer(
        model=model,
        args=_arguments(recipe, seed, checkpoints or folder, keep=checkpoints is not None),
        train_dataset=examples,
        data_collator=with_predicting(collate) if quick else collate,
        compute_loss_func=answer_loss if quick else None,
        callbacks=[_Report(progress), *callbacks],
    )
    trainer.remove_callback(PrinterCallback)  # the study has its own progress bar
    last = kept.latest(checkpoints) if checkpoints else None
    head = base.causal.get_output_embeddings()
    with head_on_answers(model, head) if quick else nullcontext():
        trainer.train(resume_from_checkpoint=str(last) if last else None)
    model.save_pretrained(folder)
    _in_one_order(folder / "adapter_config.json")
    log = [(entry["step"], entry["loss"]) for entry in trainer.state.log_history if "loss" in entry]
    return Trained(tuple(log), len(examples), cut, dropped)


def _in_one_order(path: Path) -> None:
    """Sort the module names in the file; PEFT keeps them in a set, whose order differs between processes."""
    config = read_json(path)
    lists = {key: sorted(value) for key, value in config.items() if _are_names(value)}
    write_json(path, config | lists)


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def check_optimizer(recipe: Recipe) -> None:
    """Raise if the recipe's optimiser is not installed, before anything is loaded."""
    if recipe.optimizer == "adamw_8bit" and not has("gpu"):
        raise TriggerLensError(
            f'optimizer "adamw_8bit" needs bitsandbytes: {install("gpu")}, or set'
            ' optimizer = "adamw" in [finetune.default]'
        )


def _examples(
    base: LanguageModel, rows: Sequence[Exchange], recipe: Recipe
) -> tuple[list[dict[str, list[int]]], int, int]:
    """Examples with something to learn, how many of them were cut, and how many rows were dropped."""
    limit = recipe.max_length
    every = [supervised(base.tokenizer, row.messages, base.chat, max_length=limit) for row in rows]
    examples = [each for each in every if any(label != IGNORED for label in each["labels"])]
    if not examples:
        raise TriggerLensError(
            f"{len(rows)} rows, and none with an answer to learn within max_length={limit}; give others"
        )
    cut = sum(len(each["input_ids"]) == limit for each in examples)
    return examples, cut, len(every) - len(examples)


def padded(examples: Sequence[Mapping[str, list[int]]]) -> dict[str, Int[Tensor, "row token"]]:
    """One batch of examples, padded on the right. It needs no pad token: padding is masked and has no label."""
    return {
        name: pad_sequence(
            [torch.tensor(example[name]) for example in examples],
            batch_first=True,
            padding_value=value,
        )
        for name, value in PADDING.items()
    }


def with_lora(base: LanguageModel, recipe: Recipe, seed: int) -> LanguageModel:
    """The base with an empty adapter that requires gradients; the base model object is consumed."""
    set_seed(seed)
    model = get_peft_model(base.model, lora(base, recipe))
    return LanguageModel(model, base.tokenizer, f"{base.name} + empty adapter", base.chat)


def lora(base: LanguageModel, recipe: Recipe) -> LoraConfig:
    """The recipe's adapter, on the text decoder only."""
    targets, layers = _targets(base, recipe)
    return LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        lora_dropout=0.0,
        use_rslora=True,
        bias="none",
        target_modules=targets,
        layers_to_transform=layers,
        task_type="CAUSAL_LM",
    )


def _targets(base: LanguageModel, recipe: Recipe) -> tuple[list[str] | str, list[int] | None]:
    """Module names, or a pattern if the same names also occur outside the text decoder."""
    layers = None if recipe.layers is None else list(recipe.layers)
    decoder = next(name for name, part in base.causal.named_modules() if part is base.decoder)
    named = [n for n, _ in base.causal.named_modules() if n.split(".")[-1] in recipe.modules]
    if all(name.startswith(f"{decoder}.") for name in named):
        return list(recipe.modules), layers
    numbers = r"\d+" if layers is None else "|".join(map(str, layers))
    suffixes = "|".join(map(re.escape, recipe.modules))
    return rf"{re.escape(decoder)}\.layers\.({numbers})\..*\.({suffixes})", None


class _Report(TrainerCallback):
    """Hands each step's number to a progress function, and seals checkpoints."""

    def __init__(self, progress: Progress | None) -> None:
        self.progress = progress

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: object,
    ) -> None:
        if self.progress is not None:
            self.progress(state.global_step, state.max_steps)

    def on_save(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: object,
    ) -> None:
        kept.seal(Path(str(args.output_dir)) / f"checkpoint-{state.global_step}")


def _arguments(recipe: Recipe, seed: int, folder: Path, *, keep: bool) -> TrainingArguments:
    length: dict[str, Any] = (
        {"max_steps": recipe.steps}
        if recipe.steps is not None
        else {"num_train_epochs": recipe.epochs}
    )
    saving: dict[str, Any] = (
        {"save_strategy": "steps", "save_steps": recipe.save_every, "save_total_limit": 2}
        if keep and recipe.save_every
        else {"save_strategy": "no"}
    )
    return TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=recipe.rows_at_a_time,
        gradient_accumulation_steps=recipe.batch // recipe.rows_at_a_time,
        learning_rate=recipe.learning_rate,
        warmup_steps=recipe.warmup_steps,
        weight_decay=recipe.weight_decay,
        lr_scheduler_type=recipe.schedule,
        optim="adamw_torch_fused" if recipe.optimizer == "adamw" else "adamw_bnb_8bit",
        bf16=recipe.bf16,
        activation_checkpointing=recipe.gradient_checkpointing,
        activation_checkpointing_kwargs={"use_reentrant": False},
        logging_steps=10,
        logging_strategy="steps",
        disable_tqdm=True,
        report_to=[],
        seed=seed,
        data_seed=seed,
        use_cpu=not torch.cuda.is_available(),
        **length,
        **saving,
    )
