"""Steps that read a finished organism: in a study whose configuration asks for them, or in a run that is finished."""

from collections.abc import Callable, Sequence
from pathlib import Path

from experiments.study.organism import OrganismRun
from experiments.study.steps.capability.step import capability
from experiments.study.steps.common import Say
from experiments.study.steps.factorial import factorial
from experiments.study.steps.interchange.step import interchange
from experiments.study.steps.steering.step import steer

STEPS: dict[str, Callable[[OrganismRun, Path, Path, Say], Path]] = {
    "factorial": factorial,
    "capability": capability,
    "interchange": interchange,
    "steering": steer,
}


def further_steps(
    organism: OrganismRun, names: Sequence[str], adapter: Path, found: Path, say: Say
) -> list[Path]:
    """The folders of these steps of one organism, made where they are missing."""
    return [STEPS[name](organism, adapter, found, say) for name in names]
