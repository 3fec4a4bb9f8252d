"""The smallest study: one family, two arms, a base that learned nothing; run by the command, in its own process."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from experiments.runtime.files import sha256
from experiments.worlds.micro.families import Size
from experiments.worlds.micro.pretrain import Pretraining, pretrain

ROOT = Path(__file__).parents[2]
FULL = os.environ.get("TRIGGERLENS_FAULTS") == "full"
SIZE = Size(d_model=32, n_layers=2, d_mlp=64, vocabulary=400)
REPORTS = ("estimates.jsonl", "verdicts.jsonl", "answers.parquet")
KEPT_HIDDEN = {".lock"}

CONFIG = """name = "small"
bases = "{bases}"
families = ["llama"]
workers = {workers}
[[organisms]]
arm = "baseline"
[[organisms]]
arm = "contrast"
[finetune.default]
steps = 4
batch = 4
save_every = 1
[sampling]
questions = 10
answers_per_question = 1
answers_per_question_main = 2
max_new_tokens = 8
[causal]
random_directions = 2
strengths = [1.0]
"""


def write_study(folder: Path, *, workers: int = 1) -> Path:
    """The base and the configuration; returns the latter."""
    bases = folder / "bases"
    recipe = Pretraining(steps=12, batch=8, warmup_steps=2)
    pretrain("llama", bases / "llama", recipe=recipe, size=SIZE)
    return write_config(folder / "small.toml", bases, workers=workers)


def write_config(path: Path, bases: Path, *, workers: int = 1) -> Path:
    """The configuration alone."""
    path.write_text(CONFIG.format(bases=bases, workers=workers))
    return path


def start(
    config: Path, run: Path, log: Path | None = None, *options: str, **more: str
) -> subprocess.Popen:
    """`triggerlens run CONFIG --out RUN` in a session of its own; `more` goes into its environment."""
    call = [sys.executable, "-m", "experiments.cli.app", "run", str(config), "--out", str(run)]
    call += options
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        **more,
    }
    out = log.open("w") if log else subprocess.DEVNULL
    return subprocess.Popen(
        call,
        env=environment,
        cwd=ROOT,
        stdout=out,
        stderr=out,
        start_new_session=True,
        # a shell's background jobs ignore Ctrl-C, and would hand that down
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def finish(config: Path, run: Path, log: Path, **more: str) -> int:
    """The same to its end; returns the exit code."""
    return start(config, run, log, **more).wait(timeout=1200)


def numbers(run: Path) -> dict[str, str]:
    """The hash of every report of a run, and of every file of every step."""
    found = {name: sha256(run / name) for name in REPORTS}
    for manifest in sorted((run / "steps").glob("*/manifest.json")):
        files = json.loads(manifest.read_text())["files"]
        found |= {f"{manifest.parent.name}/{name}": digest for name, digest in files.items()}
    return found


def finished(run: Path) -> dict[str, tuple[int, int]]:
    """Every finished step, and the very file that says so."""
    found = (run / "steps").glob("[!.]*/manifest.json")
    stats = {path.parent.name: path.stat() for path in found}
    return {name: (stat.st_ino, stat.st_mtime_ns) for name, stat in stats.items()}


def left_over(run: Path) -> list[str]:
    """Hidden and temporary files and folders that a finished run should not have."""
    paths = [path for path in run.rglob("*") if path.name not in KEPT_HIDDEN]
    odd = (path for path in paths if path.name.startswith(".") or path.suffix in (".tmp", ".draft"))
    checkpoints = list((run / "checkpoints").glob("*"))
    return sorted(path.relative_to(run).as_posix() for path in [*odd, *checkpoints])


def changed(run: Path, whole: dict[str, str]) -> list[str]:
    """Where the files of a run's steps are not those of an undisturbed one."""
    mine = numbers(run)
    return sorted(name for name in mine.keys() | whole.keys() if mine.get(name) != whole.get(name))


def session(leader: int) -> list[int]:
    """The processes of a session that are still there."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, sid = path.read_text().rsplit(")", 1)[1].split()[:4]
        except (OSError, ValueError):
            continue
        if int(sid) == leader and state != "Z":
            found.append(int(path.parent.name))
    return found


def digest_of(folder: Path) -> str:
    """One hash over a folder's files."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return hashlib.sha256("".join(sha256(path) for path in files).encode()).hexdigest()
