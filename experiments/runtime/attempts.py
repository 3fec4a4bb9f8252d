"""Attempts at the steps of one organism: a failed step stops neither the others nor loses finished work."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from experiments.runtime.errors import (
    fault_message,
    full_traceback,
    save_traceback,
    user_message,
)
from experiments.runtime.system_errors import fix_of
from interp.errors import TriggerLensError


@dataclass(frozen=True)
class Failure:
    """One step of one organism that failed; `traceback` is None if the user can fix it."""

    organism: str
    step: str
    message: str
    traceback: Path | None = None

    def __str__(self) -> str:
        return f"{self.organism}, step {self.step}: {self.message}"


@dataclass
class Attempts:
    """Folders of finished steps by name, and the failures; `run` is the run's folder."""

    organism: str
    run: Path
    folders: dict[str, Path] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)

    def attempt(self, step: str, function: Callable[..., Path], *arguments: Any) -> Path | None:
        """The folder of a step; None if it failed. An error that would stop every step (a full disk) is raised."""
        try:
            self.folders[step] = function(*arguments)
        except Exception as error:
            if fix_of(error):
                raise
            self.failures.append(self._failure(step, error))
        return self.folders.get(step)

    def _failure(self, step: str, error: Exception) -> Failure:
        if words := user_message(error):
            return Failure(self.organism, step, words)
        name = f"{self.organism}-{step}"
        file = save_traceback(full_traceback(error), self.run / "errors", name)
        return Failure(self.organism, step, fault_message(error, file), file)


class StudyUnfinished(TriggerLensError):
    """Some steps failed; the others are finished and reported in `run`."""

    def __init__(self, run: Path, failures: Sequence[Failure]) -> None:
        self.run, self.failures = run, tuple(failures)
        organisms = dict.fromkeys(failure.organism for failure in failures)
        super().__init__(
            f"{len(failures)} failed in {run}: {'; '.join(map(str, failures))}. Everything else is kept and reported:"
            f" the same command makes only what is missing ({', '.join(organisms)})"
        )

    @property
    def exit_code(self) -> int:
        """2: the user can fix everything; 1: there is a fault of the program."""
        return 1 if any(failure.traceback for failure in self.failures) else 2

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.run, self.failures)
