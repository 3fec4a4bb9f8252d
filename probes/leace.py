"""The direction that LEACE reads before it erases: the whitened difference of means, as a linear probe.

Method: LEACE (Belrose et al. 2306.03819) removes one oblique component for two classes. This is the vector that the
component is read with: the inverse covariance times the difference of means. It is removed along the difference of
means.
"""

from typing import Any

import numpy as np

from probes.base import Features, Groups, LinearProbe, Targets
from probes.erase import ConceptEraser


class LeaceProbe(LinearProbe):
    """Weights in the units of the activations; the threshold is the middle between the class means."""

    def _weights(self, X: Features, y: Targets, groups: Groups) -> tuple[Any, float]:
        read = ConceptEraser().fit(X, y).right_[0]
        first, second = ((X[side] @ read).mean() for side in (~y, y))
        sign = np.sign(second - first) or 1.0
        return sign * read, float(-sign * (first + second) / 2)
