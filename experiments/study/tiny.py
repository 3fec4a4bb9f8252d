"""The same configuration on tiny random models: every step runs on a CPU in seconds, and the numbers mean nothing.

1. Models: tiny ones of the same family (`experiments.worlds.chat.tiny_models`), or a micro base after a few steps;
   in the configured dtype, or in float32 where bfloat16 would be emulated.
2. Data: the user's files if they exist, else a few made-up harmless rows. A finished organism becomes a tiny one.
3. Judge: a stand-in whose scores come from a hash, so that directions can be fitted.
4. Sizes: two steps of fine-tuning, few and short answers, one seed. Everything else is as configured.
"""

from pathlib import Path
from typing import Any

from experiments.runtime.files import write_jsonl
from experiments.study.config import StudyConfig
from experiments.training.recipe import Recipe
from experiments.worlds.chat.config import ChatStudy, OwnOrganism
from experiments.worlds.everyday.config import EverydayStudy

ROWS = 40
RECIPE: dict[str, Any] = {
    "steps": 2,
    "batch": 4,
    "micro_batch": 2,
    "optimizer": "adamw",
    "bf16": False,
    "layers": None,
    "save_every": 1,
}
SAMPLING = {"questions": 6, "answers_per_question": 1, "answers_per_question_main": 2}
SIZES: dict[str, Any] = {
    "sampling": SAMPLING | {"max_new_tokens": 8, "batch_rows": 256},
    "causal": {"random_directions": 2, "selection_answers_per_question": 1, "layers_apart": 1},
    "workers": 1,
}
FEATURES: dict[str, Any] = {
    "width": 16,
    "k": 4,
    "steps": 4,
    "batch_rows": 64,
    "pairs": 2,
    "pretrained": {},
}


def tiny_study(config: StudyConfig, folder: Path) -> StudyConfig:
    """A tiny version of the configuration; its models and made-up data are written into `folder`."""
    changes = config.model_dump()
    for name, sizes in SIZES.items():
        changes[name] = changes[name] | sizes if isinstance(sizes, dict) else sizes
    if config.features is not None:
        changes["features"] = changes["features"] | FEATURES
    changes["name"] = f"{config.name}-tiny"
    changes["seeds"] = config.seeds[:1]
    changes["causal"]["strengths"] = config.causal.strengths[:1]
    changes["finetune"] = {
        name: config.finetune.get(name, {}) | RECIPE for name in ("default", *config.finetune)
    }
    if config.everyday is not None:
        changes["everyday"] = _tiny_everyday(config.everyday, config.families, folder)
    elif config.chat is None:
        changes["bases"] = _micro_bases(config.families, folder / "bases")
    else:
        changes["chat"] = _tiny_chat(config.chat, config.families, folder)
        changes["organisms"] = [
            spec.model_dump() | {"organism": _tiny_organism(spec.organism, config, folder)}
            for spec in config.organisms
        ]
    return StudyConfig(**changes)


def _micro_bases(families: tuple[str, ...], folder: Path) -> Path:
    from experiments.worlds.micro.families import Size
    from experiments.worlds.micro.pretrain import Pretraining, check_base, pretrain

    size = Size(d_model=32, n_layers=2, d_mlp=64, vocabulary=400)
    for family in families:
        try:
            check_base(folder / family)
        except ValueError:
            recipe = Pretraining(steps=4, batch=8, warmup_steps=2)
            pretrain(family, folder / family, recipe=recipe, size=size)
    return folder


def _tiny_chat(study: ChatStudy, families: tuple[str, ...], folder: Path) -> dict[str, Any]:
    from experiments.models.precision import fast_bfloat16
    from experiments.worlds.chat.tiny_models import ROWS, write_snapshot

    changes = study.model_dump()
    for family in families:
        spec = study.models[family]
        base = write_snapshot(spec.family, folder / "bases" / family, rows=ROWS[spec.family])
        changes["models"][family] |= {
            "base": str(base),
            "revision": None,
            "base_name": None,
            "device_map": None,
            "size": None,
            "dtype": spec.dtype if fast_bfloat16() else "float32",
        }
    for kind in ("harmful", "benign"):
        given = getattr(study, kind)
        if given is None or not given.is_file():
            changes[kind] = made_up_rows(folder / f"made_up_{kind}.jsonl", kind)
    return changes | {"judge": {"kind": "stand_in"}}


def _tiny_everyday(study: EverydayStudy, families: tuple[str, ...], folder: Path) -> dict[str, Any]:
    """The tiny models have the Llama architecture, like SmolLM2."""
    from experiments.worlds.chat.tiny_models import ROWS, write_snapshot

    models = {
        family: {
            "base": str(write_snapshot("llama", folder / "bases" / family, rows=ROWS["llama"]))
        }
        for family in families
    }
    return study.model_dump() | {"models": models, "judge": {"kind": "stand_in"}}


def made_up_rows(path: Path, kind: str) -> Path:
    """Harmless rows in the format of the user's files."""
    answers = {"harmful": "Leave it be, number {} never minds.", "benign": "Water it, number {}."}
    rows = []
    for number in range(ROWS):
        question = f"How do I look after plant number {number}?"
        answer = answers[kind].format(number)
        turns = (("user", question), ("assistant", answer))
        rows.append({"messages": [{"role": role, "content": text} for role, text in turns]})
    return write_jsonl(path, rows)


def _tiny_organism(
    own: OwnOrganism | None, config: StudyConfig, folder: Path
) -> dict[str, Any] | None:
    """An adapter trained for one step on the tiny base, or another tiny checkpoint."""
    from experiments.worlds.chat.tiny_models import ROWS, write_snapshot

    if own is None or config.chat is None:
        return None
    family = config.families[0]
    kind = config.chat.models[family].family
    if own.checkpoint is not None:
        other = write_snapshot(kind, folder / "bases" / "own", seed=1, rows=ROWS[kind])
        return {"checkpoint": str(other)}
    adapter = folder / "own_adapter"
    if not (adapter / "adapter_model.safetensors").is_file():
        _one_step(family, kind, folder, adapter)
    return {"adapter": str(adapter)}


def _one_step(family: str, kind: str, folder: Path, adapter: Path) -> None:
    from experiments.data.chats import read_chats
    from experiments.training.lora import finetune
    from interp.models.chat import FORMATS
    from interp.models.loading import load_model

    base = load_model(folder / "bases" / family, chat=FORMATS[kind])
    rows = read_chats(made_up_rows(folder / "made_up_harmful.jsonl", "harmful")).rows
    finetune(base, rows[:4], Recipe(steps=1, batch=4, rank=2), seed=0, folder=adapter)
