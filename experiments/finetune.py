"""Fine-tune an organism: LoRA on chat rows, loss on the response only, its end-of-turn token included.

The response is found by character offsets (the rendered chat begins with the rendered prompt), so an answer that
begins with a newline, or merges with the template's last character, is still trained on exactly.
Recipe after arXiv 2603.04407 (rsLoRA on seven projections, linear decay, AdamW), sizes by configuration.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from pydantic import BaseModel, ConfigDict
from transformers import (
    DataCollatorForSeq2Seq,
    PreTrainedTokenizerBase,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
    set_seed,
)
from transformers.utils import logging

from interp.models import LanguageModel

SEVEN_PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
IGNORED = -100


def quiet() -> None:
    """Keep transformers' own bars and notices off the screen, where a study shows its progress."""
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    warnings.filterwarnings("ignore", message="`is_gradient_checkpointing`", category=FutureWarning)


class Recipe(BaseModel):
    """LoRA fine-tuning; `learning_rate` is the peak of a linear decay after `warmup_steps`."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    steps: int = 120
    batch: int = 32
    learning_rate: float = 1e-3
    warmup_steps: int = 5
    weight_decay: float = 0.01
    rank: int = 8
    alpha: int = 16
    layers: tuple[int, ...] | None = None  # adapted decoder layers; None = all
    modules: tuple[str, ...] = SEVEN_PROJECTIONS


@dataclass(frozen=True)
class ChatRow:
    """One supervised exchange."""

    user: str
    assistant: str

    @property
    def messages(self) -> list[dict[str, str]]:
        """The exchange in the chat format of tokenizers."""
        return chat([(self.user, self.assistant)])


def chat(turns: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    """(user, assistant) turns in the chat format of tokenizers."""
    return [
        {"role": role, "content": content}
        for turn in turns
        for role, content in zip(("user", "assistant"), turn, strict=True)
    ]


def supervised(
    tokenizer: PreTrainedTokenizerBase, messages: list[dict[str, str]]
) -> dict[str, list[int]]:
    """Token ids of a chat; labels are IGNORED outside the responses and their end-of-turn tokens."""
    text = tokenizer.apply_chat_template(messages, tokenize=False)
    responses = [
        _response(tokenizer, text, messages[:turn])
        for turn, message in enumerate(messages)
        if message["role"] == "assistant"
    ]
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    ids = encoded["input_ids"]
    labels = [
        token if any(start < stop and begin < end for start, end in responses) else IGNORED
        for token, (begin, stop) in zip(ids, encoded["offset_mapping"], strict=True)
    ]
    return {"input_ids": ids, "attention_mask": [1] * len(ids), "labels": labels}


def _response(
    tokenizer: PreTrainedTokenizerBase, text: str, before: list[dict[str, str]]
) -> tuple[int, int]:
    """Where in the rendered chat the answer to `before` starts, and where its end-of-turn token ends."""
    prompt = tokenizer.apply_chat_template(before, tokenize=False, add_generation_prompt=True)
    if not text.startswith(prompt):
        raise ValueError(
            "chat template: the rendered exchange does not begin with its rendered prompt, so the"
            " response cannot be found; use a template whose generation prompt equals the"
            " assistant header"
        )
    end = text.find(tokenizer.eos_token, len(prompt))
    if end < 0:
        raise ValueError(
            f"chat template: no end-of-turn token {tokenizer.eos_token!r} after the response; set"
            " the tokenizer's eos_token to the one its template writes"
        )
    return len(prompt), end + len(tokenizer.eos_token)


class _Report(TrainerCallback):
    """Hands each step's number and loss to a progress function."""

    def __init__(self, progress: Callable[[int, int], None]) -> None:
        self.progress = progress

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: object,
    ) -> None:
        self.progress(state.global_step, state.max_steps)


def finetune(
    base: LanguageModel,
    rows: Sequence[ChatRow],
    recipe: Recipe,
    *,
    seed: int,
    folder: Path,
    progress: Callable[[int, int], None] | None = None,
) -> list[float]:
    """Train a LoRA adapter on `rows` (in order, `recipe.batch` a step) and save it in `folder`; returns the losses.

    The base model object is consumed: PEFT puts the adapter into it.
    """
    set_seed(seed)
    config = LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        lora_dropout=0.0,
        use_rslora=True,
        bias="none",
        target_modules=list(recipe.modules),
        layers_to_transform=list(recipe.layers) if recipe.layers is not None else None,
        task_type="CAUSAL_LM",
    )
    model = get_peft_model(base.model, config)
    trainer = Trainer(
        model=model,
        args=_arguments(recipe, seed, folder),
        train_dataset=[supervised(base.tokenizer, row.messages) for row in rows],
        data_collator=DataCollatorForSeq2Seq(base.tokenizer, label_pad_token_id=IGNORED),
        callbacks=[_Report(progress)] if progress else [],
    )
    trainer.remove_callback(PrinterCallback)  # the study has its own progress bar
    trainer.train()
    model.save_pretrained(folder)
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


def _arguments(recipe: Recipe, seed: int, folder: Path) -> TrainingArguments:
    return TrainingArguments(
        output_dir=str(folder),
        max_steps=recipe.steps,
        per_device_train_batch_size=recipe.batch,
        learning_rate=recipe.learning_rate,
        warmup_steps=recipe.warmup_steps,
        weight_decay=recipe.weight_decay,
        lr_scheduler_type="linear",
        logging_steps=10,
        logging_strategy="steps",
        disable_tqdm=True,
        save_strategy="no",
        report_to=[],
        seed=seed,
        data_seed=seed,
        use_cpu=not torch.cuda.is_available(),
    )
