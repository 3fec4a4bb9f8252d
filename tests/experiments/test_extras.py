"""Optional packages: declared, looked for before anything is spent, refused in one line; nothing installs a package."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions

import pytest
from blocked import run_without
from house import PACKAGES, ROOT, sources

from experiments.runtime.extras import EXTRAS, has, install, not_measured, require

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
OF_DEVELOPMENT = {"selenium": ("experiments/benchmarks/dashboard.py",)}
OF_LIVE = {"starlette": ("experiments/live/serve.py",)}
OF_INSPECT = {
    "anyio": (
        "experiments/evals/batching.py",
        "experiments/evals/monitoring.py",
        "experiments/evals/scorer.py",
        "experiments/judging/inspect_model.py",
    )
}
LOADED_BY_INSPECT = (
    "experiments/evals/"  # nothing else imports it, but for a command that looks for Inspect first
)
COMMANDS = ("experiments/cli/share.py",)

# What the documents promise of each extra: an action that is refused, or done with less, without it.
PROMISES = {
    "distance": "from experiments.study.steps.figure_data.distances import minilm; minilm()",
    "figures": "import plotly.graph_objects as go; from experiments.dashboard.static import save_figure;"
    " figure = go.Figure().update_layout(height=300);"
    " import tempfile; save_figure(figure, tempfile.mkdtemp() + '/figure.svg')",
    "gpu": "from experiments.training.lora import check_optimizer; from experiments.training.recipe import Recipe;"
    " check_optimizer(Recipe(steps=1, optimizer='adamw_8bit'))",
    "inspect": "from experiments.runtime.extras import require; require('inspect', 'inspect eval');"
    " import experiments.evals.registry",
    "live": "from experiments.live.page import gradio_here; gradio_here()",
    "ray": "from experiments.study.cluster import check_place; check_place('ray')",
}


def name_of(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement)[0].lower().replace("_", "-")


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name.partition(".")[0] for alias in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module.partition(".")[0]


def undeclared(modules: dict[str, str]) -> list[str]:
    """Every import of a third party that is no dependency, no extra's module and no tool of development."""
    declared = {name_of(each) for each in PROJECT["dependencies"]}
    known = packages_distributions()
    return [
        f"{path}: {name}"
        for path, source in modules.items()
        for name in dict.fromkeys(imported(ast.parse(source)))
        if name not in {*sys.stdlib_module_names, *PACKAGES, *EXTRAS.values()}
        and path not in (OF_DEVELOPMENT | OF_INSPECT | OF_LIVE).get(name, ())
        and not declared & {name_of(each) for each in known.get(name, [])}
    ]


def test_whatever_the_code_imports_is_declared() -> None:
    assert undeclared(sources()) == []
    assert undeclared({"probes/x.py": "import pytest"}) == ["probes/x.py: pytest"]


def test_extras_are_those_of_pyproject_and_each_is_tried_below() -> None:
    assert {*EXTRAS} | {"dev"} == {*PROJECT["optional-dependencies"]}
    assert {*PROMISES} | {"fuzz"} == {*EXTRAS}  # fuzz: `make fuzz` installs it first


def test_packages_of_extras_are_imported_inside_functions_alone() -> None:
    for path, source in sources().items():
        if path.startswith(LOADED_BY_INSPECT):
            continue
        lines = [n for n in ast.parse(source).body if isinstance(n, ast.Import | ast.ImportFrom)]
        top = ast.Module(lines, [])
        assert not {*imported(top)} & {*EXTRAS.values()}, path


def test_nothing_but_inspect_imports_the_modules_that_import_it() -> None:
    for path, source in sources().items():
        if not path.startswith(LOADED_BY_INSPECT) and path not in COMMANDS:
            assert "experiments.evals" not in source, path


def test_a_missing_extra_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EXTRAS, "ray", "no_such_package")
    with pytest.raises(ValueError, match=r'^--on needs .*: pip install "triggerlens\[ray\]"$'):
        require("ray", "--on")
    assert not has("ray") and "triggerlens[ray]" in not_measured("ray")
    monkeypatch.setitem(EXTRAS, "ray", "json")
    require("ray", "--on")


@pytest.mark.long
@pytest.mark.parametrize("extra", PROMISES)
def test_without_its_package_an_extra_is_refused_before_anything_is_spent(extra: str) -> None:
    code = f"from experiments.runtime.plain_errors import plain_errors\nwith plain_errors():\n    {PROMISES[extra]}"
    done = run_without([*EXTRAS.values()], code)
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert install(extra) in line


@pytest.mark.long
@pytest.mark.parametrize("extra", PROMISES)
def test_with_its_package_alone_an_extra_does_what_is_promised(extra: str) -> None:
    if not has(extra):
        pytest.skip(f"not installed: {install(extra)}")
    done = run_without([m for name, m in EXTRAS.items() if name != extra], PROMISES[extra])
    assert done.returncode == 0, done.stderr


@pytest.mark.long
def test_every_module_imports_without_any_extra() -> None:
    paths = (path for path in sources() if not path.startswith(LOADED_BY_INSPECT))
    names = [path.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for path in paths]
    code = f"import importlib\nfor name in {[n for n in names if '__main__' not in n]!r}: importlib.import_module(name)"
    done = run_without([*EXTRAS.values()], code)
    assert done.returncode == 0, done.stderr


DOWNLOADER = (
    "experiments/models/wheels.py"  # `pip download`: files into a folder, nothing installed
)
COLAB = "experiments/notebooks/colab.py"  # the text of a cell; it installs in Colab alone
INSTALLERS = re.compile(
    r"""\bensurepip\b|["']pip["']|\bimport pip\b|os\.system|["']uv["']|["']apt"""
)


def test_no_code_of_ours_installs_a_package() -> None:
    found = [path for path, source in sources().items() if INSTALLERS.search(source)]
    assert found == [DOWNLOADER, COLAB]
    assert 'if "google.colab" in sys.modules' in sources()[COLAB]
    assert '"download",' in sources()[DOWNLOADER] and '"install"' not in sources()[DOWNLOADER]
    assert INSTALLERS.search('subprocess.run([sys.executable, "-m", "pip", "install", "ray"])')
