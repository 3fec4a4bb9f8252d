"""Fitted probes on disk: `PATH.safetensors` (what was fitted) beside `PATH.json` (everything else), never pickle.

The JSON file is written last and holds the hash of the other: a pair that does not belong together, or was cut off, is
refused. A probe that was fitted on `Activations` keeps its site, and refuses another model's.
"""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load, save

from probes.base import Probe
from probes.difference_of_means import DifferenceOfMeans
from probes.discriminant import DiscriminantProbe
from probes.logistic import LogisticProbe
from probes.mlp import MLPProbe
from probes.paired import PairedDifference
from probes.ridge import RidgeProbe
from probes.site import Site

KINDS: dict[str, type[Probe]] = {
    kind.__name__: kind
    for kind in (
        DifferenceOfMeans,
        DiscriminantProbe,
        LogisticProbe,
        MLPProbe,
        PairedDifference,
        RidgeProbe,
    )
}


def save_probe(probe: Probe, path: str | Path) -> None:
    """Write a fitted probe."""
    arrays = save({name: np.ascontiguousarray(array) for name, array in probe.state().items()})
    facts = {
        "probe": type(probe).__name__,
        "parameters": probe.get_params(),
        "classes": probe.classes_.tolist(),
        "features": probe.n_features_in_,
        "site": None if probe.site_ is None else asdict(probe.site_),
        "sha256": hashlib.sha256(arrays).hexdigest(),
    }
    text = json.dumps(facts, indent=1) + "\n"
    Path(f"{path}.json").unlink(missing_ok=True)
    Path(f"{path}.safetensors").write_bytes(arrays)
    Path(f"{path}.json").write_text(text, encoding="utf-8")


def load_probe(path: str | Path, *, model_hash: str | None = None) -> Any:
    """Read what `save` wrote; with `model_hash`, refuse a probe of other weights."""
    if not Path(f"{path}.json").is_file():
        raise ValueError(f"probe {path}: no {path}.json; give the path that save() was given")
    facts = _facts(path)
    if not Path(f"{path}.safetensors").is_file():
        raise ValueError(f"probe {path}: no {path}.safetensors; put it back, or fit it again")
    arrays = Path(f"{path}.safetensors").read_bytes()
    if hashlib.sha256(arrays).hexdigest() != facts["sha256"]:
        raise ValueError(f"probe {path}: {path}.safetensors is not what was saved; fit it again")
    if facts["probe"] not in KINDS:
        raise ValueError(
            f"probe {path}: unknown kind {facts['probe']!r}; known: {', '.join(KINDS)}"
        )
    site = None if facts["site"] is None else Site(**facts["site"])
    fitted_to = None if site is None else site.weights
    if model_hash is not None and fitted_to != model_hash:
        raise ValueError(
            f"probe {path} was fitted to weights {str(fitted_to)[:12]}, this model has "
            f"{model_hash[:12]}; fit it again or load the model it belongs to"
        )
    probe = KINDS[facts["probe"]](**facts["parameters"])
    probe.classes_, probe.site_ = np.array(facts["classes"]), site
    probe.n_features_in_ = facts["features"]
    for name, array in load(arrays).items():
        setattr(probe, name, array)
    return probe


def _facts(path: str | Path) -> dict[str, Any]:
    try:
        facts = json.loads(Path(f"{path}.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"probe {path}: {path}.json is damaged ({error}); fit it again") from error
    missing = {"probe", "parameters", "classes", "features", "site", "sha256"} - set(facts)
    if not isinstance(facts, dict) or missing:
        raise ValueError(f"probe {path}: {path}.json is no probe's; give what save() was given")
    return facts
