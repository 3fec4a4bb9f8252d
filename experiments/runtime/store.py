"""A run folder: steps cached by content, a lock, and a manifest that is written last.

    runs/demo/
      steps/finetune-qwen-s0-1f0c.../   one finished step: its files and manifest.json
      estimates.jsonl  verdicts.jsonl   what the study reports
      manifest.json                     written last: "exists" means "complete"

1. A step is named by a hash over its name, its inputs and the code that makes it, found by its imports.
2. Its files are written in a temporary sibling, flushed and hashed into a manifest; then the folder
   is renamed into place.
3. A step is valid only while every file has the hash in its manifest; otherwise it is made again.

One process holds the lock of a run (`open_run`); its workers open the same folder with
`Run(folder)` and may make different steps at the same time. The store knows nothing about models,
labels or the meaning of steps.
"""

import hashlib
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from experiments.runtime.files import read_json, sealed, sha256, sync_tree, to_json, write_json
from experiments.runtime.provenance import git_state, package_versions
from experiments.runtime.step_folders import MANIFEST, UNFINISHED, check_step, fault, is_complete
from interp.errors import TriggerLensError
from interp.io.code_hash import code_hash
from interp.io.files import UNFINISHED as UNFINISHED_FILES
from interp.io.locks import locked

__all__ = ["MANIFEST", "Run", "RunBusy", "Step", "amend_run", "check_step", "open_run", "step_key"]

# Modules that only pass values on and change no number; the values (configuration, inputs) are part of a step's key.
HANDED_OVER = (
    "experiments.runtime",
    "experiments.study.config",
    "experiments.study.organism",
)


class RunBusy(TriggerLensError):
    """Another process is working in this run folder."""


@dataclass
class Step:
    """One step. `folder` is temporary inside the `with` block that makes it, and final afterwards."""

    name: str
    key: str
    folder: Path
    todo: bool
    inputs: Mapping[str, Any]

    def path(self, name: str) -> Path:
        return self.folder / name


@dataclass
class Run:
    """A handle to a run folder; cheap, picklable, and without a lock (see `open_run`)."""

    folder: Path
    started: str = field(default_factory=lambda: _now())

    def __post_init__(self) -> None:
        self.folder = Path(self.folder)

    @property
    def steps(self) -> Path:
        return self.folder / "steps"

    def path(self, name: str) -> Path:
        return self.folder / name

    @contextmanager
    def step(
        self,
        name: str,
        inputs: Mapping[str, Any],
        modules: Sequence[str] = (),
    ) -> Iterator[Step]:
        """Make a step once: `with run.step("fit", {...}, [__name__]) as step: if step.todo: ...`."""
        key = step_key(name, inputs, modules)
        final = self.steps / f"{name}-{key}"
        if is_complete(final):
            yield Step(name, key, final, todo=False, inputs=inputs)
            return
        temporary = self.steps / f"{UNFINISHED}{name}-{key}-{uuid.uuid4().hex[:8]}"
        step, started = Step(name, key, temporary, todo=True, inputs=inputs), _now()
        try:
            temporary.mkdir(parents=True)
            yield step
            _seal(step, started, final)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def finished(
        self, name: str, inputs: Mapping[str, Any], modules: Sequence[str] = ()
    ) -> Path | None:
        """The folder of a step if it is finished; nothing is made or removed."""
        folder = self.steps / f"{name}-{step_key(name, inputs, modules)}"
        return folder if folder.exists() and fault(folder) is None else None

    def sweep(self) -> None:
        """Remove what killed processes left: unfinished steps and half-written reports."""
        for leftover in self.steps.glob(f"{UNFINISHED}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        for half in self.folder.glob(UNFINISHED_FILES):
            half.unlink()

    def write_manifest(self, *, config: Any, seeds: Sequence[int], **more: Any) -> Path:
        """The last write of a run. `more` is kept as given (warnings, counts, steps used, ...)."""
        reports = sorted(path for path in self.folder.iterdir() if _is_report(path))
        manifest = {
            "config": config,
            "seeds": list(seeds),
            "started": self.started,
            "ended": _now(),
            "packages": package_versions(),
            "git": git_state(),
            "files": {path.name: sha256(path) for path in reports},
        }
        return write_json(self.folder / MANIFEST, sealed(manifest | more))

    def amend_manifest(self, *, steps: Sequence[str], **more: Any) -> Path:
        """Record added steps and new hashes of reports of a finished run; its provenance stays unchanged."""
        manifest = read_json(self.folder / MANIFEST)
        reports = sorted(path for path in self.folder.iterdir() if _is_report(path))
        amended = {"at": _now(), "packages": package_versions(), "git": git_state()}
        changes = {
            "steps": list(steps),
            "files": {path.name: sha256(path) for path in reports},
            "amended": amended,
            **more,
        }
        return write_json(self.folder / MANIFEST, sealed(manifest | changes))


def read_run_manifest(run: Path) -> dict[str, Any]:
    """The manifest of a finished run; an error if it belongs to something else."""
    manifest = read_json(run / MANIFEST)
    if not isinstance(manifest, dict) or not {"config", "steps"} <= manifest.keys():
        raise TriggerLensError(f"{run / MANIFEST} is not a run's; give the folder of a run")
    return manifest


@contextmanager
def amend_run(folder: Path | str) -> Iterator[Run]:
    """Lock a finished run to add to it. Its manifest stays, so that a killed call can be repeated."""
    run = Run(Path(folder))
    if not (run.folder / MANIFEST).is_file():
        raise TriggerLensError(
            f"{folder} has no {MANIFEST}; finish the run first, or give another folder"
        )
    with locked(run.folder, RunBusy):
        yield run


@contextmanager
def open_run(folder: Path | str) -> Iterator[Run]:
    """Lock a run folder, sweep what a killed run left, and yield its `Run`.

    The old manifest is removed: until the new one is written, the run is unfinished.
    """
    run = Run(Path(folder))
    run.steps.mkdir(parents=True, exist_ok=True)
    with locked(run.folder, RunBusy):
        (run.folder / MANIFEST).unlink(missing_ok=True)
        run.sweep()
        try:
            yield run
        finally:
            run.sweep()  # what dead workers left, and what an interrupt left


def step_key(name: str, inputs: Mapping[str, Any], modules: Sequence[str] = ()) -> str:
    """The 12 hexadecimal digits that name a step."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+=-]*", name):
        raise TriggerLensError(
            f"step name {name!r} is not a file name; use letters, digits and . _ + = -"
        )
    try:
        text = to_json([name, dict(inputs), code_hash(modules, HANDED_OVER)])
    except (TypeError, ValueError) as error:
        raise TriggerLensError(f"inputs of step {name!r} are not plain JSON: {error}") from error
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _seal(step: Step, started: str, final: Path) -> None:
    """Hash, flush and rename a finished step; `step.folder` is its final place afterwards."""
    if step.path(MANIFEST).exists():
        raise TriggerLensError(
            f"step {step.name!r} wrote its own {MANIFEST}; that name is the store's"
        )
    files = sorted(path for path in step.folder.rglob("*") if path.is_file())
    manifest = {
        "name": step.name,
        "key": step.key,
        "inputs": dict(step.inputs),
        "started": started,
        "ended": _now(),
        "files": {path.relative_to(step.folder).as_posix(): sha256(path) for path in files},
    }
    write_json(step.folder / MANIFEST, sealed(manifest))
    sync_tree(step.folder)
    try:
        step.folder.rename(final)
    except OSError:
        if not is_complete(final):  # otherwise, another worker finished the same step first
            raise
    step.folder = final


def _is_report(path: Path) -> bool:
    if path.name.startswith(".") or path.name == MANIFEST:
        return False
    return path.is_file() and path.suffix in {".jsonl", ".json", ".toml", ".parquet"}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
