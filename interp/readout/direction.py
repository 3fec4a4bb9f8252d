"""Which tokens a direction promotes and suppresses, compared with random directions of the same site.

Method: the direction, at its site's median norm, is passed through the model's own final norm and head, and so is its
opposite; half the difference of the two is what the direction itself does to each token, in logits, without what norm
and head add to any input. With a Jacobian lens the direction is first carried to the last layer.

Random directions are treated in the same way: their largest logits show what a direction without meaning reaches.
The effect of the layers in between is not included, except on average with a Jacobian lens.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from interp.directions import Direction, random_like
from interp.models.language_model import LanguageModel
from interp.readout.jacobian import JacobianLens
from interp.readout.tokens import TokenScore, largest, vocabulary_logits

if TYPE_CHECKING:
    import plotly.graph_objects


@dataclass(frozen=True, eq=False)
class DirectionReadOut:
    """The tokens at both ends; `random_largest[i]`: the largest logit of the i-th random direction."""

    direction: Direction
    promoted: tuple[TokenScore, ...]
    suppressed: tuple[TokenScore, ...]
    random_largest: Float[Tensor, " random"]
    lens: str

    @property
    def p_value(self) -> float:
        """How often a random direction promotes some token at least as much as this one promotes its first."""
        reached = int((self.random_largest >= self.promoted[0].score).sum())
        return (1 + reached) / (1 + len(self.random_largest))

    def __str__(self) -> str:
        name = self.direction.name
        lines = [f"Direction {name!r} after layer {self.direction.layer}, {self.lens}, in logits"]
        lines.append("promotes    " + "  ".join(map(str, self.promoted)))
        lines.append("suppresses  " + "  ".join(map(str, self.suppressed)))
        if n := len(self.random_largest):
            middle = float(self.random_largest.median())
            lines.append(
                f"{n} random directions: largest logit {middle:+.2f} at the median; p = {self.p_value:.3f}"
            )
        return "\n".join(lines)

    def plot(self) -> "plotly.graph_objects.Figure":
        """The tokens at both ends as bars, and the range of the random directions' largest logits."""
        from interp.figures import direction_read_out

        return direction_read_out(self)


def read_direction(
    lm: LanguageModel,
    direction: Direction,
    *,
    k: int = 10,
    lens: JacobianLens | None = None,
    controls: int = 100,
    seed: int = 0,
) -> DirectionReadOut:
    """The `k` tokens that the direction promotes most and those that it suppresses most."""
    direction.check_fits(lm)
    vectors = torch.cat([direction.vector[None], random_like(direction, controls, seed)])
    vectors = vectors.float() * direction.scale
    if lens is not None:
        vectors = lens.transport(lm, vectors, direction.layer)
    scores = (vocabulary_logits(lm, vectors) - vocabulary_logits(lm, -vectors)) / 2
    promoted, suppressed = largest(lm, scores[0], k), largest(lm, -scores[0], k)
    down = tuple(TokenScore(one.id, one.text, -one.score) for one in suppressed)
    random = scores[1:].amax(1)
    return DirectionReadOut(
        direction, promoted, down, random, "logit lens" if lens is None else str(lens)
    )
