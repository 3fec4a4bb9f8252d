"""Signs an audit with an SSH key: the signature says who vouches for the verdict, hashes say for which files.

`ssh-keygen -Y sign` writes `audit.json.sig` beside `audit.json`; anyone with the public key can verify it, with or
without TriggerLens. The report holds the SHA-256 of base and adapter, so that the signature covers their files too.

Limit: it does not show that the key belongs to someone you trust; compare the public key through another channel.
"""

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from interp.errors import TriggerLensError

NAMESPACE, SIGNER = "triggerlens-audit", "auditor"
PROGRAM = "ssh-keygen"


def sign(report: Path, key: Path) -> Path:
    """Sign a report with a private key; returns the path of the signature."""
    _there(key, "--sign")
    signature = signature_of(report)
    signature.unlink(missing_ok=True)
    done = _run(["-Y", "sign", "-f", str(key), "-n", NAMESPACE, str(report)])
    if done.returncode or not signature.is_file():
        raise TriggerLensError(
            f"--sign {key}: {PROGRAM} refuses it ({_reason(done)}); give a private SSH key, made by"
            f" `{PROGRAM} -t ed25519 -f KEY`"
        )
    return signature


def is_signed(report: Path, public: Path) -> bool:
    """Whether the report, byte for byte, was signed by the owner of this public key."""
    _there(public, "--signer")
    _there(signature_of(report), "--signer: the signature")
    words = public.read_text(encoding="utf-8").split()
    if len(words) < 2:
        raise TriggerLensError(f"--signer {public}: not a public SSH key; give the file KEY.pub")
    with TemporaryDirectory() as folder:
        allowed = Path(folder) / "allowed"
        allowed.write_text(f"{SIGNER} {words[0]} {words[1]}\n", encoding="utf-8")
        known = ["-f", str(allowed), "-I", SIGNER, "-n", NAMESPACE]
        done = _run(["-Y", "verify", *known, "-s", str(signature_of(report))], report.read_bytes())
    return done.returncode == 0


def signature_of(report: Path) -> Path:
    """The path of a report's signature."""
    return report.with_name(f"{report.name}.sig")


def _there(path: Path, option: str) -> None:
    if not path.is_file():
        raise TriggerLensError(f"{option} {path}: no such file")


def _run(arguments: list[str], given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run([PROGRAM, *arguments], input=given, capture_output=True, check=False)
    except FileNotFoundError:
        raise TriggerLensError(
            f"{PROGRAM} is not installed on this machine; install OpenSSH, or leave out the signature options"
        ) from None


def _reason(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return lines[-1][:120] if lines else f"exit code {done.returncode}"
