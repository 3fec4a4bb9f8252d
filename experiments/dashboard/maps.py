"""Parts of an organism's line of `maps.jsonl`, or a ValueError that says what the run did not write."""

from typing import Any

from experiments.results.load import OrganismResults


def part(results: OrganismResults, name: str) -> Any:
    """What the run drew under `name`."""
    if results.maps is None:
        raise ValueError("the run has no maps.jsonl with this organism")
    found = results.maps.get(name)
    if not found:
        raise ValueError(f"maps.jsonl has no {name} of this organism")
    if isinstance(found, dict) and "missing" in found:
        raise ValueError(str(found["missing"]))
    return found
