"""A run folder made up from nothing: the files a study writes."""

from collections.abc import Callable
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

MakeRun = Callable[..., Path]


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """`make_run(name="demo", arms=..., seeds=...)` writes a run and returns its folder."""

    def make(
        name: str = "demo",
        families: tuple[str, ...] = FAMILIES,
        arms: tuple[str, ...] = ARMS,
        seeds: tuple[int, ...] = (0,),
        dataset: str | None = "poultry",
    ) -> Path:
        folder = tmp_path / name
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

    return make


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
