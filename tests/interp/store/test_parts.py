"""Shards made apart, in any order and by anyone, are the files that one writer makes; a death costs one shard."""

import random
import shutil
import signal
from functools import cache
from pathlib import Path

import pytest

from interp.capture.positions import all_tokens
from interp.capture.store import ActivationStore, DamagedStore, OtherStore, StoreBusy, open_writer
from interp.capture.store.making import ShardMaker, shard_maker
from interp.capture.store.parts import Part, gathering, is_made, make_part
from interp.capture.store.writer import opened
from interp.prompts import PromptSet, Question
from interp.rendering import render
from tests.interp.store.test_killed_writer import die_before, files, in_a_child
from tests.tiny_models import FRAMINGS, tiny_lm

WHAT = {"positions": [all_tokens], "layers": [0, 1], "sites": ["resid_post", "mlp_out"]}
SHARD = 20_000


@pytest.fixture(scope="module")
def prompts() -> PromptSet:
    """Eight prompts of different lengths: four shards."""
    questions = [Question(f"q{n}", "my health? " * (n + 1) + "duck") for n in range(4)]
    return render(tiny_lm("qwen").tokenizer, questions, FRAMINGS)


@pytest.fixture(scope="module")
def undisturbed(prompts: PromptSet, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What one writer makes."""
    folder = tmp_path_factory.mktemp("one")
    with open_writer(folder, tiny_lm("qwen"), shard_bytes=SHARD, **WHAT) as writer:
        writer.add(prompts)
    return files(folder)


@cache
def maker() -> ShardMaker:
    return shard_maker(tiny_lm("qwen"), **WHAT)


def planned(folder: Path, prompts: PromptSet) -> list[Part]:
    with opened(folder, maker(), SHARD) as writer:
        return writer.plan(prompts)


def whole(folder: Path, prompts: PromptSet) -> list[int]:
    """Plan, make what is missing, gather; which shards were made."""
    with gathering(folder, planned(folder, prompts)) as missing:
        for part in missing:
            make_part(folder, maker(), part)
    return [part.number for part in missing]


def test_parts_made_in_any_order_are_the_files_of_one_writer(
    prompts: PromptSet, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    plan = planned(tmp_path, prompts)
    assert len(plan) >= 4 and sum(len(part.sequences) for part in plan) == len(prompts)
    assert files(tmp_path) != undisturbed
    with gathering(tmp_path, plan) as missing:
        assert missing == plan
        for part in random.Random(1).sample(plan, len(plan)):
            make_part(tmp_path, maker(), part)
    assert files(tmp_path) == undisturbed
    assert whole(tmp_path, prompts) == []
    ActivationStore(tmp_path, tiny_lm("qwen")).verify()


def test_a_plan_goes_on_where_a_writer_stopped(
    prompts: PromptSet, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    first = len(planned(tmp_path, prompts)[0].sequences)
    with opened(tmp_path, maker(), SHARD) as writer:
        writer.add(prompts[range(first)])
    made = whole(tmp_path, prompts)
    assert made[0] == 1
    assert files(tmp_path) == undisturbed


def test_a_death_before_any_step_of_making_costs_that_part_alone(
    prompts: PromptSet,
    undisturbed: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deaths, begun = 0, tmp_path / "begun"
    plan = planned(begun, prompts)
    for part in [plan[0], *plan[2:]]:
        make_part(begun, maker(), part)
    for step in range(100):
        folder = tmp_path / str(step)
        shutil.copytree(begun, folder)

        def dying(folder: Path = folder, step: int = step) -> None:
            die_before(monkeypatch, step)
            make_part(folder, maker(), plan[1])

        code = in_a_child(dying)
        if code == 0:
            break
        assert code == -signal.SIGKILL
        deaths += 1
        with gathering(folder, plan) as missing:
            assert missing in ([], [plan[1]])
            for part in missing:
                make_part(folder, maker(), part)
        assert files(folder) == undisturbed
    assert deaths >= 6


def test_a_death_before_any_step_of_gathering_ends_with_the_same_store(
    prompts: PromptSet,
    undisturbed: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deaths, made = 0, tmp_path / "made"
    plan = planned(made, prompts)
    for part in plan:
        make_part(made, maker(), part)
    for step in range(100):
        folder = tmp_path / str(step)
        shutil.copytree(made, folder)

        def dying(folder: Path = folder, step: int = step) -> None:
            die_before(monkeypatch, step)
            with gathering(folder, plan):
                pass

        code = in_a_child(dying)
        if code == 0:
            break
        assert code == -signal.SIGKILL
        deaths += 1
        assert len(whole(folder, prompts)) <= 1  # the one that was on its way
        assert files(folder) == undisturbed
    assert deaths >= 10


def test_parts_of_another_plan_are_not_taken_in(
    prompts: PromptSet, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    with opened(tmp_path, maker(), SHARD * 3) as writer:
        larger = writer.plan(prompts)
    for part in larger:
        make_part(tmp_path, maker(), part)
    assert len(whole(tmp_path, prompts)) == len(undisturbed) // 2 > len(larger) > 0
    assert files(tmp_path) == undisturbed


@pytest.mark.parametrize("damage", ["flip", "cut", "gone", "record"])
def test_a_damaged_part_is_made_again(
    prompts: PromptSet, undisturbed: dict[str, bytes], tmp_path: Path, damage: str
) -> None:
    plan = planned(tmp_path, prompts)
    for part in plan:
        make_part(tmp_path, maker(), part)
    home = plan[1].home(tmp_path)
    values = next(home.glob("*.safetensors"))
    match damage:
        case "flip":
            content = bytearray(values.read_bytes())
            content[-1] ^= 1
            values.write_bytes(content)
        case "cut":
            values.write_bytes(values.read_bytes()[:-7])
        case "gone":
            values.unlink()
        case "record":
            (home / "part.json").write_text("[]")
    assert [is_made(tmp_path, part) for part in plan[:3]] == [True, False, True]
    assert whole(tmp_path, prompts) == [1]
    assert files(tmp_path) == undisturbed


def test_a_part_that_nobody_made_stops_the_gathering(prompts: PromptSet, tmp_path: Path) -> None:
    plan = planned(tmp_path, prompts)
    with pytest.raises(DamagedStore, match="cannot be read"), gathering(tmp_path, plan):
        make_part(tmp_path, maker(), plan[0])
    assert len(ActivationStore(tmp_path).manifest.shards) == 1


def test_another_model_s_parts_and_a_store_that_went_on_are_refused(
    prompts: PromptSet, tmp_path: Path
) -> None:
    plan = planned(tmp_path, prompts)
    with pytest.raises(OtherStore, match="planned with another model"):
        make_part(tmp_path, shard_maker(tiny_lm("qwen"), layers=[1]), plan[0])
    with opened(tmp_path, maker(), SHARD) as writer:
        with pytest.raises(StoreBusy), gathering(tmp_path, plan):
            pass
        writer.add(prompts[range(3)])
    with pytest.raises(OtherStore, match="was written to since"), gathering(tmp_path, plan):
        pass
