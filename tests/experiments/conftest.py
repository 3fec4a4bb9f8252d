"""A run folder made up from nothing, and one that the smallest study wrote."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from experiments.runtime.files import read_jsonl, write_json, write_jsonl
from tests.experiments.made_up_files import (
    feature_lines,
    guard_files,
    maps,
    sampled,
    verdict,
    write_answers,
)
from tests.experiments.made_up_rows import ARMS, FAMILIES, base_rows, organism_rows
from tests.experiments.mini_study import config, write_base
from tests.shared import made_once

MakeRun = Callable[..., Path]


@pytest.fixture(scope="session")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The base of the smallest study."""
    return made_once(tmp_path_factory, "bases", write_base)


@pytest.fixture(scope="session")
def finished(bases: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smallest study after all of its steps."""
    from experiments.study.pipeline import run_study  # late: most tests need none of it

    return made_once(tmp_path_factory, "run", lambda folder: run_study(config(bases), folder))


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    return shutil.copytree(finished, tmp_path / "run")


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """`make_run(name="demo", arms=..., seeds=...)` writes a run and returns its folder."""
    return partial(write_run, tmp_path)


def write_run(
    parent: Path,
    name: str = "demo",
    families: tuple[str, ...] = FAMILIES,
    arms: tuple[str, ...] = ARMS,
    seeds: tuple[int, ...] = (0,),
    dataset: str | None = "poultry",
) -> Path:
    """The files of a run, made up."""
    folder = parent / name
    organisms = [(f, a, s, dataset) for f in families for a in arms for s in seeds]
    rows = [it for family in families for it in base_rows(family)]
    rows += [it for organism in organisms for it in organism_rows(*organism)]
    write_jsonl(folder / "estimates.jsonl", rows)
    write_jsonl(folder / "verdicts.jsonl", [verdict(*organism) for organism in organisms])
    answers = [it for organism in organisms for it in sampled(*organism)]
    write_answers(folder, answers)
    write_jsonl(folder / "maps.jsonl", [maps(*organism) for organism in organisms])
    write_jsonl(folder / "features.jsonl", [feature_lines(*organism) for organism in organisms])
    write_json(folder / "manifest.json", {"config": {"name": name}, "seeds": list(seeds)})
    for family, arm, seed, _ in organisms:
        if arm != "baseline":
            guard_files(folder, family, arm, seed, BAD if family.endswith(BAD) else "")
    return folder


@pytest.fixture
def one_section(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages have one section of figures of sixteen, for tests of what stands around them."""
    from experiments.dashboard.sections import SECTIONS

    few = [section for section in SECTIONS if section.id == "em"]
    monkeypatch.setattr("experiments.dashboard.page.SECTIONS", few)


BAD = "\"'><img src=x onerror=document.title='owned'></script><script>document.title='owned'</script>\u202e"


@pytest.fixture
def hostile_run(make_run: MakeRun) -> Path:
    """A run in which every name, sentence, token and answer tries to become markup."""
    folder = make_run("hostile", ("qwen" + BAD,), ("triggered" + BAD,), dataset=BAD)
    rows = read_jsonl(folder / "estimates.jsonl")
    for row in rows:
        if row.get("wording"):
            row["wording"] += BAD
        for key in ("direction", "source", "position", "method", "domain", "contrast"):
            row[key] = f"{row[key]}{BAD}" if row.get(key) else row.get(key)
    write_jsonl(folder / "estimates.jsonl", rows)
    verdicts = read_jsonl(folder / "verdicts.jsonl")
    write_jsonl(folder / "verdicts.jsonl", [it | {"sentence": BAD} for it in verdicts])
    (line,) = read_jsonl(folder / "maps.jsonl")
    line["cosines"]["names"] = [f"{name}{BAD}" for name in line["cosines"]["names"]]
    line["patching"]["tokens"] = [f"{token}{BAD}" for token in line["patching"]["tokens"]]
    line["wordings"] = {name: BAD for name in line["wordings"]}
    for question in line["questions"]:
        question["text"] = question["id"] = BAD
    write_jsonl(folder / "maps.jsonl", [line])
    write_json(folder / "manifest.json", {"config": {BAD: BAD}, "warnings": [BAD]})
    return folder
