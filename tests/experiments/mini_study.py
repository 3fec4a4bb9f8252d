"""The smallest study of a micro organism: one family, two arms, a base that has learned nothing."""

from pathlib import Path

from experiments.study.config import StudyConfig
from experiments.worlds.micro.families import Size
from experiments.worlds.micro.pretrain import Pretraining, pretrain

TINY = Size(d_model=32, n_layers=2, d_mlp=64, vocabulary=400)
RECIPE = Pretraining(steps=12, batch=8, warmup_steps=2)


def write_base(folder: Path) -> None:
    """A base of the Llama family, after a few steps."""
    pretrain("llama", folder / "llama", recipe=RECIPE, size=TINY)


def config(bases: Path, **changes: object) -> StudyConfig:
    """The study, with any of its settings changed."""
    settings: dict = {
        "name": "mini",
        "bases": bases,
        "families": ["llama"],
        "organisms": [{"arm": "baseline"}, {"arm": "contrast"}],
        "finetune": {"default": {"steps": 2, "batch": 4}},
        "sampling": {
            "questions": 10,
            "answers_per_question": 1,
            "answers_per_question_main": 2,
            "max_new_tokens": 8,
        },
        "causal": {"random_directions": 3, "strengths": [1.0], "refine_steps": 1},
        "workers": 1,
    }
    return StudyConfig(**settings | changes)
