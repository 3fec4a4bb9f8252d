"""Turns a user's name for a model into one that `interp.models.loading.load_model` accepts."""

from pathlib import Path

from experiments.models.cache import build, cache_folder, folder_of
from experiments.models.catalogue import catalogue, find
from experiments.runtime.files import sha256
from interp.errors import TriggerLensError


def resolve(name: str | Path) -> str:
    """The folder for a name of the catalogue, a GGUF file or the folder of one; any other `name` is returned unchanged.

    An existing folder of that name comes first. Nothing is downloaded; a GGUF file is converted once and kept by hash.
    """
    path = Path(name)
    if str(name) in catalogue() and not path.exists():
        return str(in_cache(str(name)))
    gguf = _gguf(path)
    return str(name) if gguf is None else str(_converted(gguf))


def in_cache(name: str) -> Path:
    """The folder of a model of the catalogue; an error if it was not fetched yet."""
    find(name)
    folder = folder_of(name)
    if not folder.is_dir():
        raise TriggerLensError(
            f"model {name!r} is not here yet: run `triggerlens models get {name}`"
        )
    return folder


def _gguf(path: Path) -> Path | None:
    """The GGUF file that a path refers to; None if it refers to something else."""
    if path.suffix.lower() == ".gguf" and path.is_file():
        return path
    if not path.is_dir() or (path / "config.json").exists():
        return None
    files = sorted(path.glob("*.gguf"))
    if len(files) > 1:
        names = ", ".join(file.name for file in files[:5])
        raise TriggerLensError(
            f"model {str(path)!r}: several GGUF files ({names}); name one of them"
        )
    return files[0] if files else None


def _converted(gguf: Path) -> Path:
    from experiments.models.convert import convert

    folder = cache_folder() / "gguf" / sha256(gguf)[:16] / gguf.stem
    return build(folder, lambda partial: convert(gguf, partial))
