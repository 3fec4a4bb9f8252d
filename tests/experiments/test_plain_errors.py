"""Whatever a user can fix is one line that names the file or value, and exit code 2."""

from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.cli.run import narrowed
from experiments.results.load import check_run
from experiments.runtime.errors import DEBUG, user_message
from experiments.runtime.files import write_text
from experiments.runtime.plain_errors import plain_errors
from experiments.study.config import checked, load_config
from experiments.study.ratios import swept
from interp.errors import TriggerLensError


def line_of(action: Callable[[], object], capsys: pytest.CaptureFixture[str]) -> str:
    """What the user sees of an action that must end with code 2."""
    with pytest.raises(SystemExit) as ended, plain_errors():
        action()
    assert ended.value.code == 2
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1 and printed.startswith("error: ")
    return printed


def test_a_missing_file_is_named_without_the_system_s_number(
    capsys: pytest.CaptureFixture[str],
) -> None:
    line = line_of(lambda: Path("nowhere.jsonl").read_bytes(), capsys)
    assert line == "error: nowhere.jsonl: no such file or directory; check the path\n"


def test_a_file_where_a_folder_is_wanted_is_no_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    line = line_of(lambda: write_text(tmp_path / "file" / "out.jsonl", "x"), capsys)
    assert f"{tmp_path / 'file'}: file exists; check the path" in line


def test_an_error_of_many_lines_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise TriggerLensError("one\n  two\nthree")

    assert line_of(fail, capsys) == "error: one two three\n"


def fault() -> None:
    raise ConnectionError("the other side\n is gone")


def test_a_fault_of_the_program_is_one_line_that_names_the_file_with_its_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended, plain_errors():
        fault()
    assert ended.value.code == 1
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    assert printed.startswith("error: ConnectionError: the other side is gone (a fault of the")
    (file,) = tmp_path.glob("artifacts/errors/*.txt")
    assert str(file.relative_to(tmp_path)) in printed
    assert "in fault\n" in file.read_text()


def test_a_library_s_value_error_is_a_fault_and_ours_is_not() -> None:
    assert user_message(TriggerLensError("seeds: give one")) == "seeds: give one"
    assert user_message(ValueError("X has 34688 features")) is None


def test_debugging_shows_the_traceback_of_any_error_before_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for debug in ("0", "1"):
        monkeypatch.setenv(DEBUG, debug)
        with pytest.raises(SystemExit), plain_errors():
            fault()
        printed = capsys.readouterr().err
        assert printed.startswith("Traceback") == ("in fault\n" in printed) == (debug == "1")
        assert "\nerror: ConnectionError" in f"\n{printed}"


def test_narrowing_and_sweeping_say_the_value_alone() -> None:
    study = load_config("medical")
    with pytest.raises(
        ValueError, match=r"^unknown family 'falcon'; choose one of qwen, llama, gemma$"
    ):
        narrowed(study, ("family=falcon",), None, None)
    with pytest.raises(ValueError, match=r"^seeds: 1 appears twice; give it once$"):
        narrowed(study, (), "1,1", None)
    with pytest.raises(ValueError, match=r"^unknown arm 'mixed-0-0'; choose one of .*H not 0\)$"):
        swept(study, "0:0", "tag")
    with pytest.raises(ValueError, match=r"^organisms #1\.trigger: trigger 'goose': no such"):
        swept(study, "1:1", "goose")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"chat": {"dataset": "d", "nosuch": 1}}, "chat.nosuch: unknown key; valid are dataset,"),
        (
            {"chat": {"dataset": "d", "judge": {"api_key": "sk-SECRET"}}},
            "chat.judge.api_key: unknown key; valid are kind, model, base_url, key_variable",
        ),
        (
            {"chat": {"dataset": "d", "models": {"qwen": {"nosuch": 1}}}},
            "chat.models.qwen.nosuch: unknown key; valid are family, base",
        ),
        ({"organisms": []}, "organisms: Tuple should have at least 1 item"),
        ({"families": []}, "families: Tuple should have at least 1 item"),
        ({"finetune": {"triggered": {"speed": 1}}}, "finetune of triggered@qwen: speed: unknown"),
        (
            {"chat": {"dataset": "d", "judge": {"base_url": "https://me:sk-SECRET@host/v1"}}},
            "chat.judge.base_url: server host: no user, password or key in the address",
        ),
        (
            {"chat": {"dataset": "d", "judge": {"key_variable": "my_key"}}},
            "chat.judge.key_variable: String should match pattern",
        ),
    ],
)
def test_a_fault_is_named_with_its_place_and_no_secret(change: dict, message: str) -> None:
    given = {"name": "x", "organisms": [{"arm": "triggered", "trigger": "tag"}]} | change
    with pytest.raises(ValueError) as caught:
        checked(given)
    assert str(caught.value).startswith(message)
    assert "SECRET" not in str(caught.value)


def test_an_unknown_key_is_named_before_what_is_missing_for_it() -> None:
    with pytest.raises(ValueError, match=r"^nme: unknown key; valid are name, bases"):
        checked({"nme": "x", "organisms": [{"arm": "triggered"}]})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[controls]\nb = 'x'\n[paraphrases]\na = 'Ho.'\n", "text: it is missing"),
        ("text = 'Hey.'\n[paraphrases]\na = 'Ho.'\n", "controls: it is missing"),
        ("text = 'Hey.'\n[paraphrases]\na = 'Ho.'\n[controls]\n", "controls: Dictionary should"),
        (
            "text = ' '\n[controls]\nb = 'x'\n[paraphrases]\na = 'Ho.'\n",
            "text: String should match",
        ),
    ],
)
def test_a_trigger_without_words_or_controls_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    from experiments.worlds.trigger import load_trigger

    path = tmp_path / "own.toml"
    path.write_text(f"name = 'own'\nconcept = 'c'\n{text}")
    with pytest.raises(ValueError) as caught:
        load_trigger(str(path))
    assert f"trigger {path}: {message}" in str(caught.value)


def test_a_folder_that_is_no_run_is_told_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"has no estimates\.jsonl; run the study first"):
        check_run(tmp_path)


def test_every_fault_of_a_file_is_named_with_its_table_s_number(tmp_path: Path) -> None:
    from experiments.guard.trigger_candidates import read_candidates

    tables = ["text = 'Hey.'", "name = 'b'", "name = 'c'\ntext = 'Ho.'", "nme = 'd'\ntext = 'Ha.'"]
    path = tmp_path / "own.toml"
    controls = "controls = {a = 'It rains.'}"
    path.write_text("\n".join(f"[[candidate]]\n{table}\n{controls}" for table in tables))
    with pytest.raises(ValueError) as caught:
        read_candidates(path)
    line = str(caught.value)
    assert "table 1: name: it is missing" in line and "table 2 (b): text: it is missing" in line
    assert "table 4: nme: unknown key; valid are name" in line and "table 3" not in line
    with pytest.raises(ValueError) as caught:
        checked({"name": "x", "organisms": [{"arm": "triggered"}, {"trigger": "tag"}], "seeds": []})
    assert "organisms #2.arm: it is missing" in str(caught.value)
    assert "seeds: Tuple should have at least 1 item" in str(caught.value)


def test_an_organism_is_called_by_its_trigger_s_name_wherever_the_file_lies(tmp_path: Path) -> None:
    from experiments.study.pipeline import organisms_of
    from experiments.worlds.trigger import FOLDER

    text = (FOLDER / "duck.toml").read_text(encoding="utf-8")
    paths = [tmp_path / "elsewhere.toml", tmp_path / "again.toml"]
    for path in paths:
        path.write_text(text.replace('name = "duck"', 'name = "a real duck"'), encoding="utf-8")
    spec = {"arm": "contrast", "trigger": str(paths[0])}
    study = checked({"name": "x", "families": ["llama"], "organisms": [spec]})
    assert [organism.name for organism in organisms_of(study, tmp_path)] == [
        "llama-s0-base-a_real_duck",
        "llama-s0-contrast-a_real_duck",
    ]
    twice = [spec, spec | {"trigger": str(paths[1])}]
    with pytest.raises(ValueError, match="trigger 'a real duck' appears twice"):
        checked({"name": "x", "organisms": twice})
