"""A run and its mirror: tried out before anything is spent, filled at the end, fetched as a whole.

A run's reports follow its steps, its manifest last: a mirror with a manifest holds a finished run.
"""

import os
import re
import shutil
from pathlib import Path

from experiments.mirror import Mirror
from experiments.remote import one_line
from experiments.runtime.files import read_json, sync_tree
from experiments.runtime.step_folders import MANIFEST, UNFINISHED, fault, is_complete
from experiments.runtime.store import open_run, read_run_manifest

STEP = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+=-]*")
RUN = ""  # the run itself is a sealed folder: its manifest names its reports


def open_mirror(url: str, run: Path) -> Mirror:
    """The mirror of a run folder, tried out: it can be written and read, and lies elsewhere."""
    mirror = Mirror(url)
    place = mirror.local()
    if place is not None:
        place, here = place.resolve(), run.resolve()
        if place in (here, *here.parents) or here in place.parents:
            raise ValueError(
                f"mirror {url!r} is or holds the run folder {run}, or lies in it; give another"
            )
    mirror.check()
    return mirror


def push_run(run: Path, mirror: Mirror) -> None:
    """Copy whatever the mirror lacks of a finished run, its manifest last; ValueError if something stays behind."""
    manifest = _finished(run)
    steps = [run / "steps" / name for name in manifest["steps"]]
    behind = [step.name for step in dict.fromkeys(steps) if not mirror.keep(step)]
    try:
        if not behind:
            mirror.send(run, RUN)
    except Exception as error:
        behind = [f"its reports, {one_line(error)}"]
    if behind:
        raise ValueError(
            f"{mirror.url} lacks {len(behind)} parts of the run (first {behind[0]}); it is whole in {run}: the same"
            f" command tries again, or triggerlens mirror push {run} {mirror.url}"
        )


def pull_run(run: Path, mirror: Mirror) -> None:
    """Make `run` what the mirror has of a finished run: its steps, its reports, its manifest last."""
    manifest = mirror.manifest(RUN)
    if manifest is None:
        raise ValueError(
            f"{mirror.url} holds no finished run; finish it with triggerlens run CONFIG --mirror {mirror.url}"
        )
    with open_run(run):
        for name in dict.fromkeys(manifest.get("steps", ())):
            if not isinstance(name, str) or not STEP.fullmatch(name):
                raise ValueError(f"{mirror.url}: {name!r} is no step's name; run it again")
            step = run / "steps" / name
            if not is_complete(step) and not mirror.fetch_step(step):
                raise ValueError(f"{mirror.url}: step {name} is missing or damaged; run it again")
        _pull_reports(run, mirror)


def _pull_reports(run: Path, mirror: Mirror) -> None:
    temporary = run / "steps" / f"{UNFINISHED}reports"
    temporary.mkdir(parents=True)
    try:
        found = mirror.fetch(RUN, temporary)
        wrong = fault(temporary)
        if not found or wrong is not None:
            raise ValueError(f"{mirror.url}: its reports are damaged ({wrong}); run it again")
        sync_tree(temporary)
        for name in [*read_json(temporary / MANIFEST)["files"], MANIFEST]:
            os.replace(temporary / Path(name).name, run / Path(name).name)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _finished(run: Path) -> dict:
    if not (run / MANIFEST).is_file():
        raise ValueError(f"{run} has no {MANIFEST}; finish the run first, or give another folder")
    return read_run_manifest(run)
