"""What all files share is made once, and again where making it failed."""

from pathlib import Path

import pytest

from tests.shared import made_once


def test_what_is_shared_is_made_once_and_a_failure_is_not_kept(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    monkeypatch.setattr(tmp_path_factory, "getbasetemp", lambda: tmp_path / "popen-gw0")
    calls: list[Path] = []

    def make(folder: Path) -> None:
        (folder / "file").write_text("whole")
        calls.append(folder)
        if len(calls) == 1:
            raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        made_once(tmp_path_factory, "thing", make)
    for _ in range(2):
        folder = made_once(tmp_path_factory, "thing", make)
        assert folder.parent == tmp_path and (folder / "file").read_text() == "whole"
    assert len(calls) == 2
