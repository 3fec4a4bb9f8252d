"""The base of ridge regression and the discriminant: probes solved in closed form through a kernel."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Float

from probes.base import Features, Groups, LinearProbe, Targets
from probes.design import Design, Labels, ReadOuts
from probes.kernel import Kernel
from probes.standardise import standard


class KernelProbe(LinearProbe):
    """A probe on standardised rows; its regularisation is the parameter that `knob` names."""

    @abstractmethod
    def _solve(
        self, kernel: Kernel, labels: Labels, strength: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Dual weights and intercept of each label set at a strength of the regularisation."""

    def _weights(
        self, X: Features, y: Targets, groups: Groups
    ) -> tuple[Float[np.ndarray, " d_model"], float]:
        rows = torch.tensor(X)
        to_standard = standard(rows)
        kernel = Kernel(to_standard(rows))
        labels = torch.tensor(y, dtype=rows.dtype)[None]
        duals, intercept = self._solve(kernel, labels, getattr(self, self.knob))
        weights, shift = to_standard.undo(kernel.weights(duals)[0], intercept[0, 0])
        return weights.numpy(), float(shift)

    def held_out(
        self, design: Design, labels: Labels, strengths: Sequence[float]
    ) -> Iterator[ReadOuts]:
        """The same fits for many label sets at once."""
        for strength in strengths:
            yield design.read(*self._solve(design.kernel, labels, strength))
