"""What stands in the repository: its modules, its files and the names its modules define.

Read from the source alone; nothing is imported. Used by the tests of borders and of documents.
"""

import ast
import os
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("interp", "probes", "experiments")
MADE_BY_RUNS = "artifacts/runs/"

# `probes/NAME.py` and `steps/<name>` stand for any name.
PLACEHOLDER = re.compile(r"<[^>]+>|\b[A-Z][A-Z_]{2,}\b(?=[./]|$)")


def sources() -> dict[str, str]:
    """Every module of the three packages, by its path in the repository."""
    files = (file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py")))
    return {file.relative_to(ROOT).as_posix(): file.read_text("utf-8") for file in files}


@cache
def paths() -> tuple[Path, ...]:
    """Every file and folder, relative to the root; hidden folders, caches and runs are not entered."""
    found: list[Path] = []
    for folder, inner, files in os.walk(ROOT):
        here = Path(folder).relative_to(ROOT)
        inner[:] = [name for name in inner if not name.startswith((".", "__")) and name != "runs"]
        found += [here / name for name in (*inner, *files)]
    return tuple(sorted(found))


def documents() -> list[Path]:
    """Every Markdown file, relative to the root."""
    return [path for path in paths() if path.suffix == ".md"]


def is_file_somewhere(path: str, folder: Path = ROOT) -> bool:
    """Whether a path exists from `folder`, from the root, or as the end of any; * is allowed."""
    if path.startswith(MADE_BY_RUNS):
        return True
    path = PLACEHOLDER.sub("*", path).rstrip("/")
    if (folder / path).exists() or (ROOT / path).exists():
        return True
    pattern = re.compile(rf".*/{re.escape(path).replace(re.escape('*'), '[^/]*')}")
    return any(pattern.fullmatch(f"/{known.as_posix()}") for known in paths())


def is_defined(dotted: str) -> bool:
    """Whether a dotted name is a module of ours, or something defined at the top of one."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        base = ROOT.joinpath(*parts[:length])
        module = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
        if module.is_file():
            return length == len(parts) or parts[length] in _top_names(module)
    return False


def _top_names(module: Path) -> set[str]:
    return _names(ast.parse(module.read_text("utf-8")).body)


def _names(body: list[ast.stmt]) -> set[str]:
    names: set[str] = set()
    for node in body:
        match node:
            case ast.If(test=ast.Name(id="TYPE_CHECKING"), body=inside):
                names |= _names(inside)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                names |= {alias.asname or alias.name for alias in aliases}
            case ast.Assign() | ast.AnnAssign():
                names |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    return names
