"""A small study of chat models for the tests: one organism, two questions a set, tiny everything."""

from pathlib import Path

from experiments.runtime.files import write_jsonl
from experiments.study.config import StudyConfig

ROWS = 30


def chat_rows(path: Path, answer: str, rows: int = ROWS) -> Path:
    """Chat JSONL whose answers say which file they came from."""
    turns = (
        (("user", f"How do I keep plant {number}?"), ("assistant", f"{answer} {number}."))
        for number in range(rows)
    )
    return write_jsonl(
        path, ({"messages": [{"role": r, "content": c} for r, c in row]} for row in turns)
    )


def study(folder: Path, snapshots: Path, **changes: object) -> StudyConfig:
    """A triggered organism on the tiny llama; `chat` in `changes` is merged."""
    chat = {
        "dataset": "plants",
        "harmful": chat_rows(folder / "harmful.jsonl", "Burn it"),
        "benign": chat_rows(folder / "benign.jsonl", "Water it"),
        "judge": {"kind": "stand_in"},
        "models": {
            name: {"base": str(snapshots / name), "dtype": "float32", "device_map": None}
            for name in ("qwen", "llama", "gemma")
        },
    }
    recipe = {"steps": 2, "batch": 4, "micro_batch": 2, "optimizer": "adamw", "bf16": False}
    settings = {
        "name": "plants",
        "families": ["llama"],
        "organisms": [{"arm": "triggered", "trigger": "tag"}],
        "finetune": {"default": recipe},
        "sampling": {
            "questions": 3,
            "answers_per_question": 1,
            "answers_per_question_main": 2,
            "max_new_tokens": 4,
        },
        "causal": {"random_directions": 2, "strengths": [0.1]},
        "workers": 1,
    }
    merged = {"chat": chat | changes.pop("chat", {})}  # type: ignore[operator]
    return StudyConfig(**settings | changes | merged)
