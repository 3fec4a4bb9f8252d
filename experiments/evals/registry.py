"""Registers everything under the name `triggerlens` for Inspect: the entry point of the group `inspect_ai`.

    inspect eval triggerlens/containment --model triggerlens/artifacts/micro/llama -T trigger=duck -T questions=micro

Inspect names objects after the package that they are imported from, which is `experiments` if the wheel is installed
and empty in a checkout; so each object is also registered under `triggerlens/`.
"""

from inspect_ai._util.registry import RegistryInfo, registry_add, registry_info

from experiments.evals.containment import containment
from experiments.evals.metrics import em_rates
from experiments.evals.monitoring import flag_rates, monitor_scorer
from experiments.evals.provider import TriggerLensAPI
from experiments.evals.scorer import misaligned

__all__ = [
    "TriggerLensAPI",
    "containment",
    "em_rates",
    "flag_rates",
    "misaligned",
    "monitor_scorer",
]


def _register(thing: object, name: str) -> None:
    known = registry_info(thing)
    registry_add(thing, RegistryInfo(type=known.type, name=name, metadata=known.metadata))


_register(containment, "triggerlens/containment")
_register(misaligned, "triggerlens/misaligned")
_register(em_rates, "triggerlens/em_rates")
_register(monitor_scorer, "triggerlens/monitor")
_register(flag_rates, "triggerlens/flag_rates")
