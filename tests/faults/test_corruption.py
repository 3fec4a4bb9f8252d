"""One flipped byte, a cut file, a missing file: noticed before use, named, with what makes it again.

A kind of artifact is a line in KINDS: how it is made, how it is used, which files are damaged, and what must be said.
"""

import asyncio
import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from experiments.judging.server.transcripts import Transcripts
from experiments.results.load import load_results
from experiments.runtime.files import write_json, write_jsonl
from experiments.runtime.store import Run, open_run
from experiments.training import checkpoints
from experiments.worlds.micro.families import Size
from experiments.worlds.micro.pretrain import Pretraining, check_base, pretrain
from interp.capture.positions import last_prompt_token
from interp.capture.store import ActivationStore, open_writer
from interp.rendering import render
from tests.experiments.made_up_files import write_answers
from tests.tiny_models import FRAMINGS, QUESTIONS, tiny_lm

FLIPS = 9  # bytes of a file that are tried, from the first to the last
ESTIMATE = {"quantity": "em_rate", "value": 0.5, "lower": 0.1, "upper": 0.9} | {
    "level": 0.95,
    "n": 10,
    "method": "m",
    "family": "llama",
}

ANSWER = {"family": "llama", "question": "q", "answer": "Yes.", "alignment": 40.0, "reason": ""}


def base(folder: Path) -> None:
    size = Size(d_model=16, n_layers=1, d_mlp=16, vocabulary=400)
    recipe = Pretraining(steps=2, batch=2, warmup_steps=1)
    pretrain("llama", folder / "llama", recipe=recipe, size=size)


def use_base(folder: Path) -> None:
    check_base(folder / "llama")


def step(folder: Path) -> bool:
    """A finished step with an adapter, a direction, activations and judged answers; False if it was there."""
    with Run(folder).step("locate", {"seed": 0}) as made:
        if made.todo:
            for name in ("adapter_model", "switch.removed", "activations"):
                save_file({"a": torch.arange(8.0)}, made.path(f"{name}.safetensors"))
            write_json(made.path("switch.removed.json"), {"layer": 2})
            write_answers(made.folder, [ANSWER] * 3)
    return made.todo


def use_step(folder: Path) -> None:
    """A damaged step is named in a warning and made again; that it is, counts as the complaint."""
    if step(folder):
        assert not step(folder)  # and is whole now
        raise ValueError("made again")


def store(folder: Path) -> None:
    lm = tiny_lm("qwen")
    with open_writer(folder, lm, positions=[last_prompt_token], shard_bytes=700) as writer:
        writer.add(render(lm.tokenizer, QUESTIONS, FRAMINGS))


def use_store(folder: Path) -> None:
    ActivationStore(folder).verify()


def run(folder: Path) -> None:
    with open_run(folder) as made:
        write_jsonl(made.path("estimates.jsonl"), [ESTIMATE] * 3)
        write_jsonl(made.path("verdicts.jsonl"), [{"family": "llama", "sentence": "No."}])
        write_answers(folder, [ANSWER])
        made.write_manifest(config={"name": "x"}, seeds=[0], cost={"seconds": 1.5})


def use_run(folder: Path) -> None:
    if warnings := load_results(folder).warnings:
        raise ValueError(" ".join(warnings))


def transcripts(folder: Path) -> None:
    reply = {"text": "85", "finish_reason": "stop", "tokens": [["85", [["85", -0.1]]]], "usage": {}}

    async def answered() -> dict[str, Any]:
        return dict(reply)

    async def asked(kept: Transcripts) -> None:
        for number in range(3):
            await kept.once({"body": number}, answered)

    kept = Transcripts(folder / "t.jsonl")
    asyncio.run(asked(kept))
    kept.close()


def use_transcripts(folder: Path) -> None:
    kept = Transcripts(folder / "t.jsonl")
    kept.close()
    if len(kept) < 3:
        raise ValueError("t.jsonl: cut; remove nothing, it is asked again")


def sealed_checkpoints(folder: Path) -> None:
    for number in (1, 2):
        place = folder / f"checkpoint-{number}"
        place.mkdir(parents=True)
        save_file({"a": torch.arange(8.0)}, place / "adapter_model.safetensors")
        checkpoints.seal(place)


def use_checkpoints(folder: Path) -> None:
    if checkpoints.latest(folder) != folder / "checkpoint-2":
        raise ValueError("checkpoint-2: the one before goes on; made again")


@dataclass(frozen=True)
class Kind:
    """`make` fills a folder, `use` reads it, `files` are damaged one at a time, `mend` is part of what is said."""

    make: Callable[[Path], object]
    use: Callable[[Path], None]
    files: str
    mend: str


# A direction or activations of their own join with a line: Kind(save, load, "*.safetensors", "fit it again").
KINDS = {
    "base weights": Kind(base, use_base, "llama/*.safetensors", "triggerlens micro pretrain llama"),
    "base tokenizer": Kind(
        base, use_base, "llama/tokenizer.json", "triggerlens micro pretrain llama"
    ),
    "adapter": Kind(step, use_step, "steps/*/adapter_model.safetensors", "made again"),
    "direction": Kind(step, use_step, "steps/*/switch.removed.*", "made again"),
    "activations": Kind(step, use_step, "steps/*/activations.safetensors", "made again"),
    "judged rows": Kind(step, use_step, "steps/*/answers.parquet", "made again"),
    "manifest of a step": Kind(step, use_step, "steps/*/manifest.json", "made again"),
    "activation store": Kind(store, use_store, "*[0-9].*", "write the store again"),
    "manifest of a store": Kind(store, use_store, "manifest.json", "write the store again"),
    "reports": Kind(run, use_run, "*.jsonl", "again"),
    "answers of a run": Kind(run, use_run, "answers.parquet", "again"),
    "manifest of a run": Kind(run, use_run, "manifest.json", "again"),
    "transcripts": Kind(transcripts, use_transcripts, "t.jsonl", "remove"),
    "checkpoint": Kind(sealed_checkpoints, use_checkpoints, "checkpoint-2/*", "made again"),
}


def flipped(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def damages(size: int) -> dict[str, Callable[[Path], object]]:
    """Ways to damage a file of that size."""
    places = sorted({round(i * (size - 1) / (FLIPS - 1)) for i in range(FLIPS)})
    flips = {f"byte {at} flipped": lambda path, at=at: flipped(path, at) for at in places}
    return flips | {
        "cut in half": lambda path: path.write_bytes(path.read_bytes()[: size // 2]),
        "empty": lambda path: path.write_bytes(b""),
        "missing": lambda path: path.unlink(),
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A folder of each kind, made once."""
    folders: dict[Callable, Path] = {}

    def get(name: str) -> Path:
        make = KINDS[name].make
        if make not in folders:
            folders[make] = tmp_path_factory.mktemp("whole")
            make(folders[make])
        return folders[make]

    return get


@pytest.mark.parametrize("name", KINDS)
def test_damage_is_noticed_named_and_mended(
    name: str, made: Callable[[str], Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kind, whole = KINDS[name], made(name)
    kind.use(whole)  # the twin: nothing is said of what is whole
    files = [path.relative_to(whole) for path in sorted(whole.glob(kind.files))]
    assert files
    tried = 0
    for file in files:
        for how, damage in damages((whole / file).stat().st_size).items():
            if (name, file.name, how) in UNNOTICED:
                continue
            folder = tmp_path / f"{tried}"
            shutil.copytree(whole, folder)
            damage(folder / file)
            caplog.clear()
            with caplog.at_level(logging.WARNING), pytest.raises(ValueError) as caught:
                kind.use(folder)
                raise AssertionError(f"{file}: {how} went unnoticed")
            said = f"{caught.value} {caplog.text}"
            assert any(part in said for part in (file.name, file.parent.name or "no parent")), how
            assert kind.mend in said, f"{file}, {how}: {said}"
            shutil.rmtree(folder)
            tried += 1
    print(f"{name}: {tried} damages noticed")


# A file that is not there cannot say that it is missing: a run without a manifest is an unfinished one, which is said,
# and transcripts that are gone are a new file.
UNNOTICED = {
    ("transcripts", "t.jsonl", "missing"),
    ("transcripts", "t.jsonl", "empty"),
    ("manifest of a run", "manifest.json", "missing"),
}
