"""One process at a time: the second is told who holds the lock, and a killed holder holds nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from interp.io.locks import held, locked


class Busy(ValueError):
    pass


def test_the_second_is_told_who_is_there(tmp_path: Path) -> None:
    with (
        locked(tmp_path, Busy),
        pytest.raises(Busy, match=f"{tmp_path} is in use by process {os.getpid()}; wait for it"),
        locked(tmp_path, Busy),
    ):
        pass
    with locked(tmp_path, Busy):  # given back, it can be had
        pass


def test_an_error_inside_gives_the_lock_back(tmp_path: Path) -> None:
    with pytest.raises(KeyError), held(tmp_path / "l", "it is", "go on", Busy):
        raise KeyError
    with held(tmp_path / "l", "it is", "go on", Busy):
        pass


def test_a_killed_holder_leaves_nothing_locked(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from interp.io.locks import locked\n"
        "with locked(Path(sys.argv[1]), ValueError): print('held', flush=True); time.sleep(60)"
    )
    call = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(call, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        with pytest.raises(Busy, match=f"process {holder.pid};"), locked(tmp_path, Busy):
            pass
        holder.kill()
        holder.wait()
    with locked(tmp_path, Busy):
        pass
