"""Which token a model would predict next if a layer's stream were its last (logit lens, nostalgebraist 2020).

Method: each row of the activations is passed through the model's own final norm and head. With a Jacobian lens it is
first carried to the last layer. As a control, random vectors of the rows' norms, layer by layer, are read in the same
way.

Early layers may write in other coordinates than the head reads, which the logit lens ignores.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interp.activations import Activations
from interp.errors import TriggerLensError
from interp.io.validation import check_count
from interp.models.language_model import LanguageModel
from interp.readout.jacobian import JacobianLens
from interp.readout.tokens import token_text, vocabulary_logits

if TYPE_CHECKING:
    import plotly.graph_objects


@dataclass(frozen=True, eq=False)
class LensReadOut:
    """The `k` most probable tokens of each row after each layer; `random[i, j]`: a random vector's top probability."""

    activations: Activations
    layers: tuple[int, ...]
    ids: Int[Tensor, "row layer k"]
    probabilities: Float[Tensor, "row layer k"]
    random: Float[Tensor, "row layer"]
    words: dict[int, str]
    lens: str

    def tokens(self, row: int, layer: int) -> list[tuple[str, float]]:
        """The tokens of one row after one layer with their probabilities."""
        at = self.layers.index(layer)
        pairs = zip(self.ids[row, at].tolist(), self.probabilities[row, at].tolist(), strict=True)
        return [(self.words[token], probability) for token, probability in pairs]

    def __str__(self) -> str:
        lines = [f"{self.lens} at {self.activations.position}: most probable next tokens"]
        for row, (condition, question) in enumerate(
            zip(self.activations.conditions, self.activations.questions, strict=True)
        ):
            lines.append(f"{condition}: {question}")
            for layer in self.layers:
                words = "  ".join(f"{text!r} {p:.2f}" for text, p in self.tokens(row, layer)[:5])
                lines.append(f"  layer {layer:>2}  {words}")
        return "\n".join(lines)

    def plot(self) -> "plotly.graph_objects.Figure":
        """The first token of each row after each layer, coloured by its probability."""
        from interp.figures import lens_read_out

        return lens_read_out(self)


def read_activations(
    lm: LanguageModel,
    activations: Activations,
    *,
    k: int = 10,
    lens: JacobianLens | None = None,
    seed: int = 0,
) -> LensReadOut:
    """Read rows of the residual stream as tokens; ValueError for another site or another model's activations."""
    check_count("k", k)
    _check(lm, activations)
    k = min(k, lm.config.vocab_size)
    generator = torch.Generator().manual_seed(seed)
    ids, probabilities, random = [], [], []
    for layer in activations.layers:
        stream = activations.at(layer).float()
        noise = torch.randn(stream.shape, generator=generator)
        noise *= stream.norm(dim=-1, keepdim=True).cpu() / noise.norm(dim=-1, keepdim=True)
        top = _distribution(lm, stream, lens, layer).topk(k)
        ids.append(top.indices)
        probabilities.append(top.values)
        random.append(_distribution(lm, noise, lens, layer).amax(-1))
    table = torch.stack(ids, 1)
    words = {token: token_text(lm, token) for token in table.unique().tolist()}
    name = "logit lens" if lens is None else str(lens)
    return LensReadOut(
        activations,
        activations.layers,
        table,
        torch.stack(probabilities, 1),
        torch.stack(random, 1),
        words,
        name,
    )


def _distribution(
    lm: LanguageModel, stream: Float[Tensor, "row d_model"], lens: JacobianLens | None, layer: int
) -> Float[Tensor, "row vocabulary"]:
    if lens is not None:
        stream = lens.transport(lm, stream, layer)
    return vocabulary_logits(lm, stream).softmax(-1)


def _check(lm: LanguageModel, activations: Activations) -> None:
    if activations.site != "resid_post":
        raise TriggerLensError(
            f"activations of {activations.site} are not a residual stream to read out; capture resid_post"
        )
    weights = activations.provenance.get("weights")
    if weights is not None and weights != lm.weights_hash:
        raise TriggerLensError(
            f"these activations were read from weights {str(weights)[:12]}, {lm.name} has {lm.weights_hash[:12]};"
            " read them out with the model that made them"
        )
