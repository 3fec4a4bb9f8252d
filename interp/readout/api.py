"""Read a direction or activations out in the model's own vocabulary."""

from interp.activations import Activations
from interp.directions import Direction
from interp.errors import TriggerLensError
from interp.io.validation import check_count
from interp.models.language_model import LanguageModel
from interp.readout.direction import DirectionReadOut, read_direction
from interp.readout.jacobian import JacobianLens
from interp.readout.logit_lens import LensReadOut, read_activations

ReadOut = DirectionReadOut | LensReadOut


def read_out(
    lm: LanguageModel,
    what: Direction | Activations,
    *,
    k: int = 10,
    lens: JacobianLens | None = None,
    controls: int = 100,
    seed: int = 0,
) -> ReadOut:
    """The `k` tokens that a direction promotes and suppresses, or that activations make most probable.

    Without a lens the stream is read as if it were the last layer's (logit lens); `lens` is a fitted Jacobian lens.
    The control is `controls` random directions for a direction, and one random vector of the same norm for each row of
    activations. Anything that belongs to other weights is refused.
    """
    check_count("k", k)
    check_count("controls", controls, 0)
    match what:
        case Direction():
            return read_direction(lm, what, k=k, lens=lens, controls=controls, seed=seed)
        case Activations():
            return read_activations(lm, what, k=k, lens=lens, seed=seed)
    raise TriggerLensError(
        f"read_out: {type(what).__name__} is neither a Direction nor Activations; give one of these"
    )
