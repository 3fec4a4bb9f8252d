"""What made a file: the code, the packages, the commit.

`code_version` hashes what the source *does*: Python files are hashed as their syntax tree, so a
comment or a line break does not throw away an hour of cached work, and a changed constant does.
Other files (configuration, templates) are hashed byte by byte. It does not know which functions a
step calls: name the modules that matter.
"""

import ast
import functools
import hashlib
import platform
import subprocess
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

PACKAGES = (
    "triggerlens",
    "torch",
    "transformers",
    "peft",
    "accelerate",
    "datasets",
    "safetensors",
    "tokenizers",
    "numpy",
    "scikit-learn",
    "plotly",
    "transformer-lens",
    "sae-lens",
    "nnsight",
)


def code_version(code: Sequence[ModuleType | Path | str]) -> str:
    """One hash over modules, packages (every file below), files and folders."""
    digest = hashlib.sha256()
    for root in sorted({_root(item) for item in code}):
        for path in _sources(root):
            inside = path.relative_to(root.parent).as_posix()
            digest.update(f"{inside}\0{_content(path, path.stat().st_mtime_ns)}\0".encode())
    return digest.hexdigest()


def _root(item: ModuleType | Path | str) -> Path:
    path = _module_root(item) if isinstance(item, ModuleType) else Path(item)
    if not path.exists():
        raise ValueError(f"code {str(item)!r} does not exist; name a module, a file or a folder")
    return path.resolve()


def _module_root(module: ModuleType) -> Path:
    if getattr(module, "__path__", None):
        return Path(next(iter(module.__path__)))
    return Path(str(module.__file__))


def _sources(root: Path) -> Iterator[Path]:
    if root.is_file():
        yield root
        return
    for path in sorted(root.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith("."):
            yield path


@functools.cache
def _content(path: Path, _modified: int) -> str:
    source = path.read_bytes()
    if path.suffix == ".py":
        source = ast.dump(ast.parse(source)).encode()
    return hashlib.sha256(source).hexdigest()


def package_versions() -> dict[str, str | None]:
    """Installed versions; null where a package is absent."""
    versions: dict[str, str | None] = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = None
    return versions


def git_state(folder: Path | None = None) -> dict[str, Any]:
    """Commit and dirty flag of the checkout the code runs from; nulls outside one."""
    folder = folder or Path(__file__).parent
    commit = _git(folder, "rev-parse", "HEAD")
    changes = _git(folder, "status", "--porcelain")
    return {"commit": commit, "dirty": None if commit is None else bool(changes)}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
