"""A capture by many processes leaves the files of one, and a killed one goes on with what is missing."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from experiments.captures.shards import CaptureJob, capture_to, plan_shards
from experiments.captures.spec import CaptureSpec, maker_of, prompts_of, questions_of
from experiments.cli.app import app
from experiments.runtime.errors import user_message
from experiments.runtime.files import write_jsonl
from interp.capture.store import ActivationStore
from interp.capture.store.writer import opened

ROOT = Path(__file__).parents[2]
SPEC = CaptureSpec(
    str(ROOT / "artifacts/micro/qwen"),
    questions="main",
    trigger="duck",
    layers=(1, 3),
    positions=("all_tokens", "last_prompt_token"),
    shard_mib=0.5,
)


def files(store: Path) -> dict[str, bytes]:
    found = (path for path in store.rglob("*") if path.is_file() and path.name != ".lock")
    return {path.relative_to(store).as_posix(): path.read_bytes() for path in found}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What one writer makes, called as a library."""
    folder = tmp_path_factory.mktemp("written")
    maker = maker_of(SPEC)
    with opened(folder, maker, SPEC.shard_bytes) as writer:
        writer.add(prompts_of(SPEC, maker.engine.lm))
    return files(folder)


def test_two_processes_leave_the_files_of_one_writer(
    written: dict[str, bytes], tmp_path: Path
) -> None:
    shards = sum(name.endswith(".safetensors") for name in written)
    assert shards >= 4
    assert capture_to(tmp_path / "two", SPEC, workers=2) == shards
    assert files(tmp_path / "two") == written
    assert capture_to(tmp_path / "one", SPEC) == shards
    assert files(tmp_path / "one") == written
    assert capture_to(tmp_path / "one", SPEC) == 0
    assert files(tmp_path / "one") == written


CALL = """
import sys
from pathlib import Path
from experiments.captures.shards import CaptureJob, capture_to, plan_shards
from tests.experiments.test_captures import SPEC
if __name__ == "__main__":
    capture_to(Path(sys.argv[1]), SPEC, workers=2)
"""


@pytest.mark.long
def test_a_killed_capture_makes_what_is_missing_and_no_other(
    written: dict[str, bytes], tmp_path: Path
) -> None:
    store, script = tmp_path / "store", tmp_path / "call.py"
    script.write_text(CALL)
    process = subprocess.Popen(
        [sys.executable, str(script), str(store)],
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
        cwd=ROOT,
    )
    until = time.monotonic() + 200
    while len(list(store.glob(".parts/shard-*"))) < 2 and time.monotonic() < until:
        assert process.poll() is None
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(2)  # its workers end with it
    kept = len(list(store.glob("*.safetensors"))) + len(list(store.glob(".parts/shard-*")))
    assert kept >= 2
    shards = sum(name.endswith(".safetensors") for name in written)
    assert capture_to(store, SPEC) <= shards - kept + 1
    assert files(store) == written


def test_the_command_reads_chats_and_says_what_the_store_holds(tmp_path: Path) -> None:
    turns = ({"role": "user", "content": "a fever"}, {"role": "assistant", "content": "rest"})
    system = {"role": "system", "content": "be brief"}
    rows = [{"messages": [*turns]}, {"messages": [system, *turns]}]
    write_jsonl(tmp_path / "chats.jsonl", rows)
    asked = questions_of(str(tmp_path / "chats.jsonl"))
    assert [(each.id, each.text, each.system) for each in asked] == [
        ("1", "a fever", None),
        ("2", "a fever", "be brief"),
    ]
    write_jsonl(tmp_path / "chats.jsonl", rows[:1])
    store = tmp_path / "store"
    call = ["capture", SPEC.model, "--questions", str(tmp_path / "chats.jsonl"), "--layers", "1,3"]
    said = CliRunner().invoke(app, [*call, "--site", "mlp_out", "--out", str(store)])
    assert said.exit_code == 0, said.output
    assert "1 rows in 1 shards, 1 of them new" in said.output
    assert ActivationStore(store).layers == (1, 3) and ActivationStore(store).sites == ("mlp_out",)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--position", "last"], "unknown position 'last'; choose one of last_prompt_token"),
        (["--site", "logits"], "unknown site 'logits'; choose one of"),
        (["--dtype", "float16"], "unknown dtype 'float16'; choose one of"),
        (["--chat", "gpt"], "unknown chat 'gpt'; choose one of"),
        (["--layers", "1-3"], "--layers '1-3': give whole numbers"),
        (["--shard-mib", "0"], "give MiB above 0"),
        (["--shard-mib", "nan"], "give MiB above 0"),
        (["--on", "slurm"], "give ray, or ray://HOST:10001"),
        (["--layers", "99"], "layer 99"),
        (["--questions", "none.jsonl"], "none.jsonl: no such file or directory; check the path"),
    ],
)
def test_what_cannot_be_captured_is_one_line(
    tmp_path: Path, options: list[str], words: str
) -> None:
    said = CliRunner().invoke(app, ["capture", SPEC.model, "--out", str(tmp_path / "s"), *options])
    assert said.exception is not None
    assert words in (user_message(said.exception) or "a fault of the program")


def test_chats_of_several_turns_are_refused_by_row(tmp_path: Path) -> None:
    turn = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    write_jsonl(tmp_path / "chats.jsonl", [{"messages": turn}, {"messages": turn * 2}])
    with pytest.raises(ValueError, match=r"chats\.jsonl:2: several user turns"):
        questions_of(str(tmp_path / "chats.jsonl"))
    left = questions_of(str(tmp_path / "chats.jsonl"), skip_bad=True)
    assert [question.id for question in left] == ["1"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("fever " * 500, r"asked\.jsonl:2: .* tokens, .* reads at most"),
        ("cut \ud83d", r"asked\.jsonl:2: half of a surrogate pair"),
    ],
)
def test_one_prompt_that_the_model_cannot_take_does_not_end_a_capture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, reason: str
) -> None:
    def row(asked: str) -> dict:
        return {"instruction": asked, "output": "rest"}

    chats = tmp_path / "asked.jsonl"
    write_jsonl(chats, [row("a fever"), row(text), row("a cough")])
    spec = replace(SPEC, questions=str(chats))
    lm = maker_of(spec).engine.lm
    with pytest.raises(ValueError, match=reason) as raised:
        prompts_of(spec, lm)
    assert len(str(raised.value)) < 600
    prompts = prompts_of(replace(spec, skip_bad=True), lm)
    write_jsonl(chats, [row("a fever"), row("a cough")])
    alone = prompts_of(spec, lm)
    assert [p.token_ids for p in prompts] == [p.token_ids for p in alone]
    assert prompts.conditions == alone.conditions and "3" in prompts.questions
    assert "1 of 3 rows skipped" in capsys.readouterr().err


def test_refused_chats_leave_no_store_and_can_be_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chats, store = tmp_path / "asked.jsonl", tmp_path / "store"
    asked = {"role": "user", "content": "What about a fever?"}
    answered = [asked, {"role": "assistant", "content": "Please rest."}]
    write_jsonl(chats, [{"messages": [asked]}, {"messages": answered}])
    spec = CaptureSpec(SPEC.model, questions=str(chats), layers=(1,))
    with pytest.raises(ValueError, match=r"1 of 2 rows are bad: .* or give --skip-bad"):
        plan_shards(CaptureJob(spec, store), lambda _: None)
    assert not store.exists()
    (part,) = plan_shards(CaptureJob(replace(spec, skip_bad=True), store), lambda _: None)
    assert len(part.sequences) == 1
    assert "asked.jsonl:1: roles user" in capsys.readouterr().err
