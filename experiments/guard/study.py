"""The guard over all micro organisms of a finished run, part by part, resumable.

    monitor    how well it catches left-out paraphrases     contained organisms
    rank       the trigger's place among 200 candidates      contained organisms
    reach      EM of graded variants against distance        contained organisms
    bypass     firing variants that pass each filter         contained organisms
    gate       verdicts                                      all organisms and the bases

What is done lies in `OUT/PART/ORGANISM.jsonl`; it is done again when the adapter or the code of `experiments/guard`
changes.
"""

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from experiments.guard.organisms import Organism, organisms
from experiments.runtime.extras import has
from experiments.runtime.files import read_json, read_jsonl, sha256, write_json, write_jsonl
from interp.errors import TriggerLensError

PARTS = {
    "monitor": "monitor_study",
    "rank": "rank_study",
    "reach": "reach_map",
    "bypass": "bypass",
    "gate": "gate_study",
}
BY_MEANING = ("reach", "bypass")  # these have more rows with the extra `distance`
CODE = Path(__file__).parent
Say = Callable[[str], None]
Measure = Callable[[Organism], Iterable[dict[str, Any]]]


def study(
    run: Path, out: Path, parts: Iterable[str], *, only: Iterable[str] = (), say: Say = print
) -> dict[str, list[dict[str, Any]]]:
    """The rows of each part, over all organisms whose names begin with one of `only` (all without it)."""
    chosen, kept = list(parts), tuple(only)
    if unknown := [part for part in chosen if part not in PARTS]:
        raise TriggerLensError(f"part {unknown[0]!r} is none of {', '.join(PARTS)}")
    every = [each for each in organisms(run) if not kept or each.name.startswith(kept)]
    if not every:
        raise TriggerLensError(f"{run}: no organism's name begins with {' or '.join(kept)}")
    return {
        part: [row for each in _of(part, every) for row in _rows(part, each, out, say)]
        for part in chosen
    }


def _of(part: str, every: Iterable[Organism]) -> Iterator[Organism]:
    return (each for each in every if part == "gate" or each.contained)


def _rows(part: str, organism: Organism, out: Path, say: Say) -> list[dict[str, Any]]:
    done, made = out / part / f"{organism.name}.jsonl", out / part / f"{organism.name}.json"
    identity: dict[str, Any] = {"adapter": _adapter(organism), "code": _code()}
    if part in BY_MEANING:
        identity["sentence_model"] = has("distance")
    if done.is_file() and made.is_file() and read_json(made) == identity:
        return read_jsonl(done)
    say(f"{part}: {organism.name}")
    measure: Measure = import_module(f"experiments.guard.{PARTS[part]}").measure
    made.unlink(missing_ok=True)
    write_jsonl(done, measure(organism))
    write_json(made, identity)
    return read_jsonl(done)


def _adapter(organism: Organism) -> str:
    if organism.adapter is None:
        return str(organism.world.identity["base"])
    return sha256(organism.adapter / "adapter_model.safetensors")


def _code() -> dict[str, str]:
    return {path.name: sha256(path) for path in sorted(CODE.glob("*.py"))}
