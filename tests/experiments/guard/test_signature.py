"""A signed audit: the right key says yes; another key, another report and no key do not."""

import shutil
import subprocess
from pathlib import Path

import pytest

from experiments.guard.audit.signature import is_signed, sign, signature_of
from interp.errors import TriggerLensError

pytestmark = pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="no ssh-keygen here")


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return made(tmp_path / "key")


def made(path: Path) -> Path:
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "audit.json"
    path.write_text('{"verdict": "nothing found"}')
    return path


def test_a_signed_report_is_known_by_its_key_and_by_no_other(
    report: Path, key: Path, tmp_path: Path
) -> None:
    assert sign(report, key) == signature_of(report)
    assert is_signed(report, key.with_suffix(".pub"))
    assert not is_signed(report, made(tmp_path / "other").with_suffix(".pub"))


def test_a_changed_byte_is_seen(report: Path, key: Path) -> None:
    sign(report, key)
    report.write_text(report.read_text().replace("nothing", "a lot "))
    assert not is_signed(report, key.with_suffix(".pub"))
    sign(report, key)  # signed again, the old signature is replaced
    assert is_signed(report, key.with_suffix(".pub"))


def test_what_is_no_key_is_refused_in_one_line(report: Path, key: Path, tmp_path: Path) -> None:
    with pytest.raises(TriggerLensError, match="no such file"):
        sign(report, tmp_path / "nowhere")
    with pytest.raises(TriggerLensError, match="give a private SSH key"):
        sign(report, report)
    with pytest.raises(TriggerLensError, match="the signature"):
        is_signed(report, key.with_suffix(".pub"))
    empty = tmp_path / "empty.pub"
    empty.write_text("")
    sign(report, key)
    with pytest.raises(TriggerLensError, match="not a public SSH key"):
        is_signed(report, empty)
