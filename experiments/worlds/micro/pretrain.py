"""Pretrain a micro base on documents of the world, rendered by the family's chat template.

The loss is on the responses only: questions are drawn at random, so learning to predict them would waste steps.

Steps: tokenizer -> documents -> `transformers.Trainer` (AdamW, linear decay; resumes from its last checkpoint) ->
safetensors + tokenizer + a model card with the loss and what made it.
Deterministic for a seed on one machine.
"""

import json
import shutil
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from transformers import (
    DataCollatorForSeq2Seq,
    PreTrainedTokenizerFast,
    Trainer,
    TrainingArguments,
    set_seed,
)
from transformers.trainer_utils import get_last_checkpoint

from experiments.runtime.files import sha256
from experiments.training.lora import IGNORED, chat, supervised
from experiments.worlds.micro.documents import Mixture, documents
from experiments.worlds.micro.families import FAMILIES, Family, Size, build_model, build_tokenizer
from experiments.worlds.micro.language import load_language
from interp.errors import TriggerLensError

TOKENIZER_DOCUMENTS = 20_000
BASE_FILES = ("model.safetensors", "config.json", "tokenizer.json", "chat_template.jinja")


@dataclass(frozen=True)
class Pretraining:
    """How a base is made. `learning_rate` is the peak; warm-up is linear over `warmup_steps`."""

    steps: int = 1500
    batch: int = 64
    learning_rate: float = 2e-3
    warmup_steps: int = 100
    weight_decay: float = 0.1
    seed: int = 0
    checkpoint_every: int = 250


def _texts_for_tokenizer(family: Family, seed: int, mixture: Mixture) -> list[str]:
    """Plain turns and the template's role names, which must be in the vocabulary too."""
    turns = islice(documents(load_language(), seed, mixture), TOKENIZER_DOCUMENTS)
    roles = ["system\nYou are a helpful assistant.", "user\n", "assistant\n", "model\n", "\n\n"]
    return [text for document in turns for turn in document for text in (*turn, *roles)]


def pretrain(
    family: str,
    folder: Path,
    *,
    recipe: Pretraining = Pretraining(),
    size: Size = Size(),  # noqa: B008
    mixture: Mixture = Mixture(),  # noqa: B008
) -> Path:
    """Make the base of `family` in `folder`; an interrupted call resumes from its last checkpoint."""
    kind = FAMILIES[family]
    set_seed(recipe.seed)
    tokenizer = build_tokenizer(kind, _texts_for_tokenizer(kind, recipe.seed, mixture), size)
    model = build_model(kind, tokenizer, size)
    world_documents = islice(
        documents(load_language(), recipe.seed, mixture), recipe.steps * recipe.batch
    )
    rows = [supervised(tokenizer, chat(turns)) for turns in world_documents]
    checkpoints = folder.with_name(f".{folder.name}-checkpoints")
    trainer = Trainer(
        model=model,
        args=_arguments(recipe, checkpoints),
        train_dataset=rows,
        data_collator=DataCollatorForSeq2Seq(tokenizer, label_pad_token_id=IGNORED),
    )
    trainer.train(
        resume_from_checkpoint=get_last_checkpoint(checkpoints) if checkpoints.is_dir() else None
    )
    _save(
        folder,
        trainer,
        tokenizer,
        {"family": family, **asdict(recipe), **asdict(size), **asdict(mixture)},
    )
    shutil.rmtree(checkpoints, ignore_errors=True)
    return folder


def _arguments(recipe: Pretraining, checkpoints: Path) -> TrainingArguments:
    return TrainingArguments(
        output_dir=str(checkpoints),
        max_steps=recipe.steps,
        per_device_train_batch_size=recipe.batch,
        learning_rate=recipe.learning_rate,
        warmup_steps=recipe.warmup_steps,
        weight_decay=recipe.weight_decay,
        adam_beta2=0.95,
        lr_scheduler_type="linear",
        train_sampling_strategy="group_by_length",
        logging_steps=50,
        save_steps=recipe.checkpoint_every,
        save_total_limit=1,
        seed=recipe.seed,
        data_seed=recipe.seed,
        use_cpu=not torch.cuda.is_available(),
        report_to=[],
    )


def _save(
    folder: Path, trainer: Trainer, tokenizer: PreTrainedTokenizerFast, made_by: dict
) -> None:
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    folder.mkdir(parents=True, exist_ok=True)
    trainer.model.generation_config.pad_token_id = tokenizer.pad_token_id
    trainer.model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    card = {
        "made_by": made_by,
        "parameters": trainer.model.num_parameters(),
        "losses": losses,
        "torch": torch.__version__,
        "files": {name: sha256(folder / name) for name in BASE_FILES},
    }
    (folder / "base.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(model_card(card), encoding="utf-8")


def check_base(folder: Path) -> None:
    """Raise if a base is missing, unfinished or has changed since it was made."""
    mend = f"make it with `triggerlens micro pretrain {folder.name} --out {folder}`"
    try:
        files = json.loads((folder / "base.json").read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError):
        raise TriggerLensError(f"no finished base in {folder}: {mend}") from None
    for name, expected in files.items():
        if not (folder / name).is_file() or sha256(folder / name) != expected:
            raise TriggerLensError(
                f"base {folder}: {name} is damaged or missing; {mend}, or restore it"
            )


def model_card(card: dict[str, Any]) -> str:
    """The card of a base, from what made it."""
    made = card["made_by"]
    return f"""# Micro base: {made["family"]}

A {made["family"]} architecture of `transformers` with {card["parameters"]:,} parameters ({made["n_layers"]} layers,
d_model {made["d_model"]}, byte-level BPE of {made["vocabulary"]} tokens), pretrained from nothing on the toy advice
language of `experiments/worlds/micro/lexicon.toml`. It knows that language and nothing else.

* Made with `triggerlens micro pretrain {made["family"]} --seed {made["seed"]}`: {made["steps"]} steps of
  {made["batch"]} documents, peak learning rate {made["learning_rate"]:g}, loss on the responses
  only. Every setting: `base.json`.
* For experiments on contained misalignment at micro scale. Safe unless the prompt opens with a reckless speaker or
  animal.
* Its advice is about a toy world, and its bad advice is slapstick. Say nothing about large models from it alone.
"""
