"""Check an adapter's configuration, because PEFT would import modules and run patterns that it names.

Refused: adapters other than LoRA, a Megatron core (a module to import), replicated layers, and name patterns that may
take forever to match. `target_modules` may be any pattern, because it is not used: the weights' own names say which
modules they belong to.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from interp.errors import TriggerLensError

FORBIDDEN = ("megatron_config", "layer_replication", "runtime_config", "arrow_config")
PATTERN = re.compile(r"([\w.\\^$*+?|\[\]()-]|\(\?:){1,200}")
REPEATED_GROUP = re.compile(r"\)[*+?{]")
MOST_CHOICES = 8  # of |: the possible cost doubles with each
UNSAVED = ("corda", "lora_ga")  # of init_lora_weights
MOST_REPEATS = 2  # of * and +: the possible cost grows with the name's length to this power
LARGEST = 2**20  # bytes


def read_adapter_config(path: str | Path) -> dict[str, Any]:
    """The configuration as an object, or ValueError in one line that names the file."""
    path = Path(path)
    if path.stat().st_size > LARGEST:
        raise TriggerLensError(
            f"{path}: {path.stat().st_size:,} bytes is too large for an adapter's settings"
        )
    try:
        config = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise TriggerLensError(
            f"{path} is not a JSON object ({_short(error)}); save it again"
        ) from error
    if not isinstance(config, dict):
        raise TriggerLensError(f"{path} is not a JSON object; save it again")
    if fault := next(_faults(config), None):
        raise TriggerLensError(f"{path}: {fault}")
    return config


def ranks(config: Mapping[str, Any]) -> list[int]:
    """Every rank that the configuration asks for."""
    return [config.get("r", 8), *(config.get("rank_pattern") or {}).values()]


def _faults(config: Mapping[str, Any]) -> Iterator[str]:
    if (kind := config.get("peft_type")) != "LORA":
        yield (
            f"peft_type is {_short(kind)}; only LORA adapters are read: if it can be merged, merge it into its base"
            " with PEFT and load the result as a model"
        )
    for key in FORBIDDEN:
        if config.get(key):
            yield f"{key} is set, which could load other code or layers; save the adapter without it"
    base = config.get("base_model_name_or_path")
    if base is not None and not isinstance(base, str):
        yield f"base_model_name_or_path is {_short(base)}, not a text"
    for key in ("rank_pattern", "alpha_pattern"):
        table = config.get(key)
        if table is not None and not isinstance(table, dict):
            yield f"{key} is {_short(table)}, not an object"
        for pattern in table if isinstance(table, dict) else ():
            if not _is_quick(pattern):
                yield f"{key}: the pattern {_short(pattern)} may take forever; write module names"
    yield from _faults_of_start(config)
    for key in ("modules_to_save", "layers_pattern", "target_modules"):
        given = config.get(key)
        given = [given] if isinstance(given, str) and key != "target_modules" else given
        for name in given if isinstance(given, list) else ():
            if not isinstance(name, str) or not _is_quick(name):
                yield f"{key}: {_short(name)} is not a module name"
    if bad := [r for r in _ranks_given(config) if type(r) is not int or r < 1]:
        yield f"a rank is {_short(bad[0])}, not a whole number from 1"


def _faults_of_start(config: Mapping[str, Any]) -> Iterator[str]:
    """Settings that act only in PEFT's own forward pass, or start from numbers that are in no file."""
    if config.get("alora_invocation_tokens"):
        yield "alora_invocation_tokens is set: an adapter of only parts of a text cannot be applied here"
    start = config.get("init_lora_weights")
    if isinstance(start, str) and (start in UNSAVED or "_niter_" in start):
        yield (
            f"init_lora_weights is {_short(start)}, which starts from numbers that are not in the file; save it with"
            " path_initial_model_for_weight_conversion"
        )


def _ranks_given(config: Mapping[str, Any]) -> list[Any]:
    table = config.get("rank_pattern")
    return [config.get("r", 8), *(table.values() if isinstance(table, dict) else ())]


def _is_quick(pattern: str) -> bool:
    """Whether the time that a pattern may take is bounded: few repeats, none of a group, few choices."""
    if not PATTERN.fullmatch(pattern) or REPEATED_GROUP.search(pattern):
        return False
    repeats = sum(map(pattern.replace("(?:", "(").count, "*+?"))
    return repeats <= MOST_REPEATS and pattern.count("|") <= MOST_CHOICES


def _short(value: Any) -> str:
    text = str(value) if isinstance(value, Exception) else repr(value)
    return " ".join(text.split())[:100]
