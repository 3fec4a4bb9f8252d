"""A step is made again when code it reaches changes, and by nothing else."""

import importlib
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import experiments.study.steps
from experiments.runtime.store import HANDED_OVER
from interp.io import code_hash as module
from interp.io.code_hash import code_hash, reached

STEPS = [
    f"experiments.study.steps.{found.name}"
    for found in pkgutil.iter_modules(experiments.study.steps.__path__)
]
DERIVING = ("experiments.results.derive", "experiments.results.estimates", "experiments.results.report",
            "experiments.results.verdict", "probes.estimate", "probes.auroc", "probes.intervals")  # fmt: skip
FILES = {
    "__init__.py": "",
    "start.py": "from {0}.near import number\n\n\ndef later():\n    import {0}.inside\n",
    "near.py": "number = 1\n",
    "inside.py": "from {0} import package\n",
    "package/__init__.py": "whole = 2\n",
    "apart.py": "other = 3\n",
    "words.txt": "duck",
}


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A small package that counts as ours: `start` imports near, and inside a function one that imports a package."""
    root = tmp_path / "small_tree"
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.format("small_tree"))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(module, "OURS", (*module.OURS, "small_tree"))
    monkeypatch.setattr(module, "_root", lambda name: tmp_path)
    module._spec_path.cache_clear()
    importlib.invalidate_caches()
    yield root
    module._spec_path.cache_clear()
    for name in [name for name in sys.modules if name.startswith("small_tree")]:
        del sys.modules[name]


def changed(tree: Path, name: str, text: str) -> bool:
    """Whether the hash of `start` is another one after this file says something else."""
    before = code_hash(["small_tree.start"], HANDED_OVER)
    (tree / name).write_text(text)
    return code_hash(["small_tree.start"], HANDED_OVER) != before


def test_imports_are_followed_also_inside_functions(tree: Path) -> None:
    assert reached(["small_tree.start"], HANDED_OVER) == {
        f"small_tree.{name}" for name in ("start", "near", "inside", "package")
    }


@pytest.mark.parametrize("name", ["near.py", "inside.py", "package/__init__.py"])
def test_a_change_of_what_is_reached_is_a_change(tree: Path, name: str) -> None:
    assert changed(tree, name, (tree / name).read_text() + "more = 9\n")


def test_a_change_elsewhere_in_a_comment_or_in_a_docstring_is_none(tree: Path) -> None:
    assert not changed(tree, "apart.py", "other = 9\n")
    assert not changed(tree, "near.py", "# why\nnumber = (1)\n")
    assert not changed(tree, "near.py", '"""What it is."""\nnumber = 1\n')
    assert changed(tree, "near.py", "number = 2\n")


def test_the_data_beside_the_code_counts_too(tree: Path) -> None:
    assert changed(tree, "words.txt", "cow")
    assert changed(tree, "more.toml", "a = 1")


def test_a_module_that_is_not_there_is_named() -> None:
    with pytest.raises(ValueError, match=r"no module 'experiments\.nothing'"):
        reached(["experiments.nothing"], HANDED_OVER)


@pytest.mark.parametrize("step", STEPS)
def test_no_step_reaches_the_code_that_derives_numbers_from_facts(step: str) -> None:
    found = [name for name in reached([step], HANDED_OVER) if name.startswith(DERIVING)]
    assert not found, f"{step} is made again whenever these change"


def test_a_step_reaches_how_facts_are_written() -> None:
    assert "experiments.results.facts" in reached(["experiments.study.steps.sample"], HANDED_OVER)


def test_what_derives_numbers_reaches_all_of_it_and_no_step() -> None:
    deriving = reached(["experiments.results.report"], HANDED_OVER)
    assert all(any(name.startswith(wanted) for name in deriving) for wanted in DERIVING)
    assert not [name for name in deriving if name.startswith("experiments.study.steps")]


def test_a_change_of_an_intervals_formula_changes_the_derivation_and_no_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = module._content
    before = {
        name: code_hash([name], HANDED_OVER) for name in (*STEPS, "experiments.results.report")
    }

    def edited(path: Path, modified: int) -> str:
        return "edited" if path.name == "intervals.py" else content(path, modified)

    monkeypatch.setattr(module, "_content", edited)
    after = {name: code_hash([name], HANDED_OVER) for name in before}
    assert [name for name in before if after[name] != before[name]] == [
        "experiments.results.report"
    ]
