"""Kill a study at many moments, start it again each time, and see what it was worth.

Two moments for each step: when its temporary folder appears, and when half of the time that it took undisturbed has
passed. All kills hit the same run folder, one after the other, so what each leaves behind meets the next.
"""

import os
import signal
import time
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

from faults.small_study import finished, session, start

POLL = 0.005  # seconds
PATIENCE = 600.0
MOMENTS = (0.0, 0.5)  # of a step's time


@dataclass
class Killing:
    """What was killed and what it cost; `orphans` are processes that outlived their parent."""

    moments: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    made_again: list[str] = field(default_factory=list)
    orphans: int = 0


def durations(run: Path) -> dict[str, float]:
    """Seconds between a step's first file and its last, of an undisturbed run, in the order they ended."""
    ends = sorted((path.stat().st_mtime, path.parent.name) for path in _manifests(run))
    begins = [(run / ".lock").stat().st_mtime, *(end for end, _ in ends)]
    return {name: end - begin for (end, name), begin in zip(ends, begins, strict=False)}


def kill_at_every_step(config: Path, run: Path, took: dict[str, float], count: int) -> Killing:
    """Kill the study `count` times, spread over its steps; the run is left unfinished."""
    every = list(product(took, MOMENTS))
    chosen = [every[round(i * (len(every) - 1) / max(1, count - 1))] for i in range(count)]
    found = Killing()
    for step, share in chosen:
        before = finished(run)
        process = start(config, run)
        killed = _kill_in(process, run, step, share * took[step])
        (found.moments if killed else found.missed).append(f"{step} at {share:.0%}")
        found.orphans += orphans(process.pid)
        print(f"killed in {step} at {share:.0%}: {killed}", flush=True)
        after = finished(run)
        found.made_again += [name for name, stamp in before.items() if after.get(name) != stamp]
    return found


def _kill_in(process, run: Path, step: str, delay: float) -> bool:
    """SIGKILL the leader, and no other, so long after the step began; False if the step ended before."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        if list((run / "steps").glob(f".making-{step}-*")):
            time.sleep(delay)
            break
        time.sleep(POLL)
    inside = bool(list((run / "steps").glob(f".making-{step}-*")))
    if process.poll() is None:
        os.kill(process.pid, signal.SIGKILL)
    process.wait()
    return inside


def orphans(leader: int, seconds: float = 20.0) -> int:
    """Processes of the killed one's session that do not end by themselves; they are ended here."""
    until = time.monotonic() + seconds
    while (left := session(leader)) and time.monotonic() < until:
        time.sleep(0.05)
    for each in left:
        os.kill(each, signal.SIGKILL)
    return len(left)


def _manifests(run: Path) -> list[Path]:
    return list((run / "steps").glob("[!.]*/manifest.json"))
