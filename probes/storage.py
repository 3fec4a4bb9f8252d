"""Fitted probes on disk: `PATH.safetensors` (what was fitted) beside `PATH.json` (everything else), never pickle.

Both are sealed by hashes (`interp.io.checksummed`): a pair that does not belong together, was changed or was cut short
is refused. A probe that was fitted on `Activations` keeps its site and refuses activations of another model.
"""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from interp.errors import TriggerLensError
from interp.io.checksummed import load_facts, load_tensors, save_sealed
from probes.attention import AttentionProbe
from probes.base import Probe
from probes.difference_of_means import DifferenceOfMeans
from probes.discriminant import DiscriminantProbe
from probes.erase import ConceptEraser
from probes.logistic import LogisticProbe
from probes.mlp import MLPProbe
from probes.paired import PairedDifference
from probes.ridge import RidgeProbe
from probes.site import Site

KINDS: Mapping[str, type[Any]] = {
    kind.__name__: kind
    for kind in (
        AttentionProbe,
        ConceptEraser,
        DifferenceOfMeans,
        DiscriminantProbe,
        LogisticProbe,
        MLPProbe,
        PairedDifference,
        RidgeProbe,
    )
}
NEEDED = {"probe", "parameters", "classes", "features", "site"}


def save_probe(probe: Probe | AttentionProbe | ConceptEraser, path: str | Path) -> None:
    """Write a fitted probe; an error for a class that `load_probe` does not know."""
    if type(probe).__name__ not in KINDS:
        raise TriggerLensError(
            f"probe {path}: {type(probe).__name__} is not among the kinds that can be loaded again; add it to KINDS in"
            " probes/storage.py"
        )
    arrays = {name: torch.from_numpy(np.array(each)) for name, each in probe.state().items()}
    facts = {
        "probe": type(probe).__name__,
        "parameters": probe.get_params(),
        "classes": probe.classes_.tolist(),
        "features": probe.n_features_in_,
        "site": None if probe.site_ is None else asdict(probe.site_),
    }
    save_sealed(path, arrays, facts, indent=1)


def load_probe(path: str | Path, *, model_hash: str | None = None) -> Any:
    """Read what `save` wrote; with `model_hash`, refuse a probe of other weights."""
    facts = load_facts(path, "probe", NEEDED, again="fit it again")
    if facts["probe"] not in KINDS:
        raise TriggerLensError(
            f"probe {path}: unknown kind {facts['probe']!r}; known: {', '.join(KINDS)}"
        )
    site = None if facts["site"] is None else Site(**facts["site"])
    fitted_to = None if site is None else site.weights
    if model_hash is not None and fitted_to != model_hash:
        raise TriggerLensError(
            f"probe {path} was fitted to weights {str(fitted_to)[:12]}, but this model has "
            f"{model_hash[:12]}; fit it again or load the model it belongs to"
        )
    probe = KINDS[facts["probe"]](**facts["parameters"])
    probe.classes_, probe.site_ = np.array(facts["classes"]), site
    probe.n_features_in_ = facts["features"]
    for name, tensor in load_tensors(path).items():
        setattr(probe, name, tensor.numpy())
    return probe
