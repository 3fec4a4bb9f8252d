"""Settings in TOML: found by shipped name or path, parsed, and checked by a pydantic model; errors are one line."""

import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from experiments.runtime.complaints import complaint, shortened
from interp.errors import TriggerLensError

LARGEST = 2**20  # bytes

Model = TypeVar("Model", bound=BaseModel)


def find_toml(kind: str, name: str | Path, folder: Path) -> Path:
    """The shipped file `name` of `folder`, or the .toml file at that path."""
    path = Path(name) if Path(name).suffix == ".toml" else folder / f"{name}.toml"
    if "\0" in str(path) or not path.is_file():
        files = (file.relative_to(folder) for file in folder.rglob("*.toml"))
        shipped = ", ".join(sorted(file.with_suffix("").as_posix() for file in files))
        raise TriggerLensError(
            f"{kind} {shortened(repr(str(name)), 200)}: no such file; shipped are {shipped},"
            " or give a .toml path"
        )
    return path


def parse_toml(kind: str, path: Path) -> dict[str, Any]:
    """The tables of a TOML file."""
    if (size := path.stat().st_size) > LARGEST:
        raise TriggerLensError(
            f"{kind} {path}: {size:,} bytes, more than the {LARGEST:,} that are allowed"
        )
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        deep = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise TriggerLensError(f"{kind} {path}: not TOML: {shortened(deep)}") from error


def load_toml(model: type[Model], kind: str, name: str | Path, folder: Path) -> Model:
    """A checked model from a shipped name or a path; `kind` is the file's name in messages."""
    path = find_toml(kind, name, folder)
    try:
        return model(**parse_toml(kind, path))
    except ValidationError as error:
        raise TriggerLensError(shortened(f"{kind} {path}: {complaint(error, model)}")) from error
