"""The state of a running SAE training in one safetensors file, replaced atomically.

sae-lens pickles its checkpoints; this file holds the same: weights, Adam's moments, how long each feature has not
fired, and how many steps are done. The learning-rate schedule is replayed up to that step.
"""

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from interp.errors import TriggerLensError
from interp.io.files import put


def write(trainer: Any, path: Path, identity: Mapping[str, Any]) -> None:
    """Write what `restore` needs; an existing file is replaced atomically."""
    tensors = {f"sae.{name}": value for name, value in trainer.sae.state_dict().items()}
    for index, state in trainer.optimizer.state_dict()["state"].items():
        tensors |= {f"adam.{index}.{name}": value for name, value in state.items()}
    tensors["silent_for"] = trainer.n_forward_passes_since_fired
    tensors["fired"] = trainer.act_freq_scores
    counts = {
        "steps": trainer.n_training_steps,
        "samples": trainer.n_training_samples,
        "active_samples": trainer.n_frac_active_samples,
    }
    facts = {"identity": _text(identity), "counts": json.dumps(counts)}
    whole = {name: value.contiguous() for name, value in tensors.items()}
    put(path, lambda target: save_file(whole, target, facts))


def restore(trainer: Any, path: Path, identity: Mapping[str, Any]) -> None:
    """Bring a new trainer to the state in the file; a file of another training is refused."""
    with safe_open(path, framework="pt") as file:
        facts = file.metadata() or {}
        if facts.get("identity") != _text(identity):
            raise TriggerLensError(
                f"{path} belongs to a training on other activations or with another recipe; delete it, or give "
                "another path"
            )
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    counts = json.loads(facts["counts"])
    trainer.sae.load_state_dict(_below(tensors, "sae."))
    state = trainer.optimizer.state_dict()
    state["state"] = {index: _below(tensors, f"adam.{index}.") for index in _indices(tensors)}
    trainer.optimizer.load_state_dict(state)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # torch warns about a schedule that is ahead of its optimiser
        for _ in range(counts["steps"]):
            trainer.lr_scheduler.step()
    for scheduler in trainer.coefficient_schedulers.values():
        for _ in range(counts["steps"]):
            scheduler.step()
    trainer.n_forward_passes_since_fired = tensors["silent_for"]
    trainer.act_freq_scores = tensors["fired"]
    trainer.n_training_steps, trainer.n_training_samples = counts["steps"], counts["samples"]
    trainer.n_frac_active_samples = counts["active_samples"]


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }


def _indices(tensors: Mapping[str, Tensor]) -> list[int]:
    return sorted({int(name.split(".")[1]) for name in tensors if name.startswith("adam.")})


def _text(identity: Mapping[str, Any]) -> str:
    return json.dumps(identity, sort_keys=True, default=str)
