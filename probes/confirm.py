"""How well features that were chosen on some questions separate two classes on others.

Separate from `probes.features`, which chooses features and computes no interval: so a study does not have to measure
its features again when the method for intervals changes.
"""

from collections.abc import Hashable, Iterable, Sequence
from typing import Any

from probes.auroc import clustered_auroc
from probes.estimate import LEVEL, Estimate
from probes.features import checked


def confirm(
    features: Any,
    y: Any,
    questions: Iterable[Hashable],
    chosen: Sequence[int],
    *,
    level: float = LEVEL,
) -> dict[int, Estimate]:
    """AUROC of each chosen feature on rows not used to choose it; the intervals hold for all of them together."""
    X, y, codes = checked(features, y, questions)
    each = 1 - (1 - level) / max(1, len(chosen))  # Bonferroni
    return {f: clustered_auroc(X[:, f], y, codes, level=each) for f in chosen}
