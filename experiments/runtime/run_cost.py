"""What a run cost (time, the largest process, disk, steps, judge calls), reported at its end and in its manifest."""

import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

MIB = 2**20
RSS = 1 if sys.platform == "darwin" else 1024  # bytes per unit of ru_maxrss


@dataclass(frozen=True)
class RunCost:
    """The cost of one command; `judge_calls` counts new replies, `disk_mib` is the whole folder."""

    seconds: float
    peak_memory_mib: (
        float | None
    )  # of the largest single process on this machine; None if the system does not report it
    disk_mib: float
    steps_made: int
    steps_found: int
    judge_calls: int

    def __str__(self) -> str:
        peak = self.peak_memory_mib
        memory = "" if peak is None else f" at most {peak:,.0f} MiB in one process,"
        return (
            f"took {_clock(self.seconds)},{memory} {self.disk_mib:,.1f} MiB on disk;"
            f" {self.steps_made} steps made, {self.steps_found} found finished;"
            f" {self.judge_calls:,} judge calls"
        )

    def record(self) -> dict[str, float]:
        """The rounded numbers for the manifest, without unknown ones."""
        known = {name: value for name, value in asdict(self).items() if value is not None}
        return {name: round(value, 1) for name, value in known.items()}


class Meter:
    """Starts when it is created; `transcripts` is the file of a server's replies."""

    def __init__(self, run: Path, transcripts: Path | None) -> None:
        self.run, self.transcripts = run, transcripts
        self.started, self.clock = time.time(), time.monotonic()
        self.replies = self._replies()

    def read(self, steps: list[Path]) -> RunCost:
        """The cost until now, of this process and the processes it waited for."""
        made = sum((step / "manifest.json").stat().st_mtime >= self.started for step in steps)
        return RunCost(
            time.monotonic() - self.clock,
            _peak_memory(),
            sum(path.stat().st_size for path in self.run.rglob("*") if path.is_file()) / MIB,
            made,
            len(steps) - made,
            self._replies() - self.replies,
        )

    def _replies(self) -> int:
        if self.transcripts is None:
            return 0
        files = self.transcripts.parent.glob(f"{self.transcripts.stem}*{self.transcripts.suffix}")
        return sum(_lines(path) for path in files)


def _peak_memory() -> float | None:
    """MiB of the largest among this process and those it waited for; None on Windows."""
    try:
        import resource
    except ImportError:
        return None
    both = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(who).ru_maxrss for who in both) * RSS / MIB


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)


def _clock(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {left} s" if minutes else f"{left} s"
