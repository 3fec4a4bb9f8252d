"""A study over a grid of benign:harmful ratios."""

import re

from experiments.results.mixing import benign_share
from experiments.study.config import StudyConfig, checked
from interp.errors import TriggerLensError

RATIOS = "0:1,1:1,9:1,97:3"


def swept(study: StudyConfig, ratios: str | None = None, trigger: str | None = None) -> StudyConfig:
    """Replace a study's organisms by one mixed organism for each ratio, such as "0:1,9:1".

    If all of its organisms are mixed by ratio already, it is left as it is unless ratios or a trigger are given.
    """
    mixed = all(benign_share(spec.arm) is not None for spec in study.organisms)
    if mixed and ratios is None and trigger is None:
        return study
    if trigger is None:
        trigger = "duck" if study.chat is None else "tag"
    arms = _arms(RATIOS if ratios is None else ratios)
    organisms = [{"arm": arm, "trigger": trigger} for arm in arms]
    recipes = {
        name: recipe for name, recipe in study.finetune.items() if name.startswith("default")
    }
    changes = {"name": f"{study.name}-sweep", "organisms": organisms, "finetune": recipes}
    return checked(study.model_dump() | changes)


def _arms(ratios: str) -> list[str]:
    arms = []
    for ratio in ratios.split(","):
        parts = re.fullmatch(r"\s*(\d+):(\d+)\s*", ratio)
        if parts is None:
            raise TriggerLensError(f"--ratios {ratio!r}: give BENIGN:HARMFUL, such as 9:1")
        arms.append(f"mixed-{parts[1]}-{parts[2]}")
    return arms
