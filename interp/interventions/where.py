"""At which tokens an intervention acts."""

from dataclasses import dataclass

from jaxtyping import Bool
from torch import Tensor

from interp.capture.batches import Batch


@dataclass(frozen=True)
class EveryToken:
    """All tokens of prompt and answer."""


@dataclass(frozen=True)
class PromptSpan:
    """The tokens of one named span of the prompt: "framing", "question" or "header"."""

    name: str


@dataclass(frozen=True)
class AnswerTokens:
    """The tokens of the answer."""


Positions = EveryToken | PromptSpan | AnswerTokens


def tokens_at(positions: Positions, batch: Batch) -> Bool[Tensor, "row token"]:
    """The tokens of this forward pass where an intervention acts; never padding."""
    match positions:
        case EveryToken():
            return batch.positions >= 0
        case PromptSpan(name):
            return batch.inside(name)
        case AnswerTokens():
            return batch.answer()
