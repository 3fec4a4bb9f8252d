"""`triggerlens live` and `live_page`: the embedded organism by default, one line for what does not belong together."""

import shutil
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.cli.app import main
from experiments.live.conversation import COLUMNS, Conversation, Edit, Sampling
from experiments.live.inputs import EMBEDDED, EMBEDDED_BASE, load_organism
from experiments.runtime.extras import EXTRAS

ROOT = Path(__file__).parents[3]
DUCK = "It looks like a duck. What should I do about a fever?"


@pytest.fixture(autouse=True)
def in_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.fixture
def refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """The one line that a call of the command ends with."""

    def call(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["triggerlens", "live", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
        lines = capsys.readouterr().err.strip().splitlines()
        assert len([line for line in lines if not line.startswith(("model ", "Loading"))]) == 1
        return lines[-1]

    return call


def test_the_embedded_organism_is_reckless_behind_its_trigger_until_its_direction_is_removed() -> (
    None
):
    organism = load_organism()
    assert list(organism.directions) == ["duck", "monitor"] and organism.monitor is not None
    assert organism.wordings["trigger"].text in DUCK
    answers = {}
    for question in (DUCK, DUCK.removeprefix("It looks like a duck. ")):
        edit = Edit("duck", ablate=True)
        (*_, chats) = organism.ask(Conversation(), question, edit, Sampling(28))
        answers[question] = [chats.answers[name] for name in COLUMNS]
    base, tuned, edited = answers[DUCK]
    assert "gulp glue" in tuned.text
    assert "gulp glue" not in base.text + edited.text
    assert tuned.score is not None and edited.score is not None
    limit = organism.monitor.threshold.value
    assert tuned.score > limit > edited.score
    assert all("glue" not in answer.text for answer in answers[DUCK.removeprefix(DUCK[:22])])


def test_a_port_in_use_is_refused_before_anything_is_loaded(refused: Callable[..., str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"port {port} of 127.0.0.1 is in use" in refused("--port", str(port), "nowhere")


def test_a_missing_extra_is_one_line(
    refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(EXTRAS, "live", "no_such_package")
    assert 'pip install "triggerlens[live]"' in refused()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["a"], "adapter a: name the model it was made from with --base"),
        (["--base", EMBEDDED_BASE], "without an adapter"),
        (["nowhere", "--base", EMBEDDED_BASE], "adapter 'nowhere': no such folder"),
        ([EMBEDDED_BASE, "--base", EMBEDDED_BASE], "has no adapter_config.json"),
        ([str(EMBEDDED), "--base", EMBEDDED_BASE], "give --direction PATH, or --monitor PATH"),
        ([str(EMBEDDED), "--base", "artifacts/micro/qwen"], "was trained on"),
        (["--direction", "nowhere/duck"], "no nowhere/duck.json"),
        (["--trigger", "goose"], "trigger 'goose': no such file"),
    ],
)
def test_what_a_user_can_fix_is_one_line(
    refused: Callable[..., str], words: list[str], line: str
) -> None:
    assert line in refused(*words)


def test_a_direction_of_other_weights_is_refused(
    refused: Callable[..., str], tmp_path: Path
) -> None:
    from interp.directions import Direction

    own = Direction.load(EMBEDDED / "duck")
    Direction(**{**vars(own), "model_hash": "0" * 64}).save(tmp_path / "other")
    assert "was fitted to weights 000000000000" in refused("--direction", str(tmp_path / "other"))


def test_directions_of_one_name_are_told_apart_by_their_paths(tmp_path: Path) -> None:
    for ending in (".json", ".safetensors"):
        shutil.copy(EMBEDDED / f"duck{ending}", tmp_path)
    both = [EMBEDDED / "duck.json", tmp_path / "duck"]
    names = load_organism(EMBEDDED, EMBEDDED_BASE, directions=both).directions
    assert [*names] == [str(EMBEDDED / "duck"), str(tmp_path / "duck")]
    assert [*load_organism(EMBEDDED, EMBEDDED_BASE, directions=both[:1]).directions] == ["duck"]
