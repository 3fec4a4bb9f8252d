"""One hash over the code that a result depends on, found by following imports.

Method:
1. Start from the given modules and follow every import of `interp`, `probes` and `experiments`, including those inside
   functions. A package's `__init__` counts only if a name is imported from it.
2. Stop at the modules that the caller names, whose effect is hashed in another way.
3. Hash each module's syntax tree, so that a comment or docstring changes nothing and a constant does; and, byte
   by byte, the data files beside it (word lists, question sets, rubrics).

Not covered: code of other packages (the manifest names their versions), and modules that are imported by a name
computed at run time.
"""

import ast
import functools
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from interp.errors import TriggerLensError

OURS = ("interp", "probes", "experiments")
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def code_hash(modules: Iterable[str], stop: Sequence[str] = ()) -> str:
    """The hash of these modules, of everything that they import except `stop`, and of the data beside them."""
    digest = hashlib.sha256()
    sources = {module: _source(module) for module in sorted(reached(modules, stop))}
    for module, path in sources.items():
        digest.update(f"{module}\0{_content(path, path.stat().st_mtime_ns)}\0".encode())
    roots = {module: _root(module) for module in sources}
    folders = {path.parent: roots[module] for module, path in sources.items()}
    for folder, root in sorted(folders.items()):
        for path in _data(folder) if folder != root else ():
            name = path.relative_to(root.parent).as_posix()
            digest.update(f"{name}\0{_content(path, path.stat().st_mtime_ns)}\0".encode())
    return digest.hexdigest()


def reached(modules: Iterable[str], stop: Sequence[str] = ()) -> set[str]:
    """The modules and everything of ours that they import except `stop`, directly or indirectly."""
    waiting, known = list(modules), set[str]()
    while waiting:
        module = waiting.pop()
        if module in known or _is_in(module, stop):
            continue
        known.add(module)
        waiting += _imports(_source(module), _source(module).stat().st_mtime_ns)
    return known


def _is_in(module: str, packages: Sequence[str]) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in packages)


def _root(module: str) -> Path:
    """The folder of the package that a module belongs to."""
    return _source(module.split(".")[0]).parent


@functools.cache
def _tree(path: Path, _modified: int) -> ast.Module:
    """The syntax tree without docstrings."""
    tree = ast.parse(path.read_bytes())
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node) is not None:
            del node.body[0]
    return tree


@functools.cache
def _imports(path: Path, modified: int) -> tuple[str, ...]:
    names: list[str] = []
    for node in ast.walk(_tree(path, modified)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names if _is_ours(alias.name)]
        elif isinstance(node, ast.ImportFrom) and node.module and _is_ours(node.module):
            names += [_taken(node.module, alias.name) for alias in node.names]
    return tuple(dict.fromkeys(names))


def _is_ours(module: str) -> bool:
    return module.split(".")[0] in OURS


def _taken(module: str, name: str) -> str:
    """The module that `from module import name` reads: a module of that name, or the package itself."""
    inner = f"{module}.{name}"
    return inner if _spec_path(inner) is not None else module


def _source(module: str) -> Path:
    path = _spec_path(module)
    if path is None:
        raise TriggerLensError(f"there is no module {module!r}")
    return path


@functools.cache
def _spec_path(module: str) -> Path | None:
    """The file of a module, found without importing the packages it is in."""
    top, *inner = module.split(".")
    spec = find_spec(top)
    if spec is None or spec.origin is None:
        return None
    place = Path(spec.origin).parent.joinpath(*inner)
    files = (place / "__init__.py", place.parent / f"{place.name}.py")
    return next((path for path in files if path.is_file()), None)


def _data(folder: Path) -> Iterator[Path]:
    """Files beside the modules of a folder that are not code, and those in subfolders without modules."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "__")):
            continue
        if path.is_file() and path.suffix != ".py":
            yield path
        elif path.is_dir() and not any(path.rglob("*.py")):
            yield from _data(path)


@functools.cache
def _content(path: Path, modified: int) -> str:
    is_code = path.suffix == ".py"
    source = ast.dump(_tree(path, modified)).encode() if is_code else path.read_bytes()
    return hashlib.sha256(source).hexdigest()
