"""Which directions are the same: cosines of the located ones with each other and with each wording's shift.

A wording's shift is the mean activation over its prompts minus that over prompts without a wording, at one layer and
the last prompt token. Directions of other layers are in the table too; all layers share the residual stream.
"""

from collections.abc import Sequence
from typing import Any

import torch

from experiments.study.steps.common import Located
from interp.activations import Activations
from interp.directions import Direction


def cosines(located: Sequence[Located], activations: Activations, layer: int) -> dict[str, Any]:
    """Names and the matrix of their cosines; two random directions stay below `chance` 95 times in 100."""
    vectors = {name: each.vector.float().cpu() for name, each in _named(located)}
    rows = activations.at(layer).float().cpu()
    means = {
        condition: rows[[name == condition for name in activations.conditions]].mean(0)
        for condition in dict.fromkeys(activations.conditions)
    }
    untriggered = means.pop("none", None)
    if untriggered is not None:
        vectors |= {f"shift of {name}": found - untriggered for name, found in means.items()}
    if not vectors:
        return {"missing": "no direction was located and no wording was asked"}
    stacked = torch.nn.functional.normalize(torch.stack(list(vectors.values())), dim=-1)
    return {
        "layer": layer,
        "read_at": activations.position,
        "names": list(vectors),
        "values": [[round(value, 3) for value in row] for row in (stacked @ stacked.T).tolist()],
        "chance": round(1.96 / stacked.shape[1] ** 0.5, 3),
        "n": len(set(activations.questions)),
    }


def _named(located: Sequence[Located]) -> list[tuple[str, Direction]]:
    """Each direction as it was removed, and as it was added if that is another vector."""
    found = []
    for each in located:
        found.append((f"{each.removed.name}, removed", each.removed))
        if each.added is not None and not torch.equal(each.removed.vector, each.added.vector):
            found.append((f"{each.added.name}, added", each.added))
    return found
