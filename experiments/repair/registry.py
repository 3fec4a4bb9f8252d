"""The strategies by name."""

from collections.abc import Callable

from experiments.repair.job import Job, Repaired
from experiments.repair.strategies.ablated import baked, hooks
from experiments.repair.strategies.benign_tuning import benign_tuning
from experiments.repair.strategies.closed_form import closed_form
from experiments.repair.strategies.distilled import distilled
from experiments.repair.strategies.kept import kept
from experiments.repair.strategies.learned import learned, learned_without_interchange
from experiments.repair.strategies.random_subspace import random_subspace
from experiments.repair.strategies.scaled import dropped, scaled
from experiments.repair.strategies.unlearning import unlearning
from interp.errors import TriggerLensError

Strategy = Callable[[Job], Repaired]
STRATEGIES: dict[str, Strategy] = {
    "learned": learned,
    "learned_without_interchange": learned_without_interchange,
    "distilled": distilled,
    "random_subspace": random_subspace,
    "closed_form": closed_form,
    "hooks": hooks,
    "baked": baked,
    "unlearning": unlearning,
    "benign_tuning": benign_tuning,
    "scaled": scaled,
    "dropped": dropped,
    "kept": kept,
}


def strategy(name: str) -> Strategy:
    """The strategy of this name."""
    if name not in STRATEGIES:
        raise TriggerLensError(f"unknown strategy {name!r}; choose one of {', '.join(STRATEGIES)}")
    return STRATEGIES[name]
