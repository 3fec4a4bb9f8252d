"""A direction in the residual stream: a unit vector, its site and layer, its meaning, and how it was fitted.

Saved as `PATH.safetensors` (the vector) beside `PATH.json` (everything else, with hashes of both:
`interp.io.checksummed`). Loading refuses files that are missing, damaged, cut short or
without hashes and, if a model is given, a direction that was fitted to other weights. `save_pretrained`,
`from_pretrained` and `push_to_hub` do the same in the folder layout of the Hugging Face Hub (`interp.io.hub`).
"""

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from interp.capture.sites import check_layers
from interp.errors import TriggerLensError
from interp.io.cards import Card, literal
from interp.io.checksummed import load_facts, load_tensors, save_sealed
from interp.io.hub import OnHub
from interp.models.language_model import LanguageModel


@dataclass(frozen=True, eq=False)
class Direction(OnHub):
    """`vector` has norm 1; `scale` is the median residual norm at the site, the unit of steering strengths."""

    HUB_NAME: ClassVar[str] = "direction"
    vector: Float[Tensor, " d_model"]
    layer: int  # 0-based: the output of this decoder layer
    scale: float
    meaning: str  # "points from X to Y"
    position: str  # which tokens it was fitted on
    source: str  # how it was fitted
    model_hash: str
    name: str

    def __post_init__(self) -> None:
        if self.vector.ndim != 1:
            raise TriggerLensError(
                f"direction {self.name!r} has shape {list(self.vector.shape)}; give one vector [d_model]"
            )
        norm = float(self.vector.norm())
        if not abs(norm - 1) < 1e-3:
            raise TriggerLensError(
                f"direction {self.name!r} has norm {norm:.4g}; divide it by its norm"
            )
        if not self.scale > 0:
            raise TriggerLensError(
                f"direction {self.name!r} has scale {self.scale}; give the median residual norm"
            )

    def check_fits(self, lm: LanguageModel) -> None:
        """Raise unless the direction's width, layer and weights match this model."""
        if len(self.vector) != lm.d_model:
            raise TriggerLensError(
                f"direction {self.name!r} has width {len(self.vector)}, but the stream of {lm.name} has {lm.d_model}"
            )
        check_layers(lm, [self.layer])
        self.check_weights(lm)

    def check_weights(self, lm: LanguageModel) -> None:
        """Raise unless it was fitted to this model's weights; `vector` alone works with any model of its width."""
        self.check_hash(lm.weights_hash)

    def check_hash(self, weights: str) -> None:
        """Raise unless it was fitted to weights of this hash."""
        _check_hash(f"{self.name!r}", self.model_hash, weights)

    def save(self, path: str | Path) -> None:
        """Write `path`.safetensors and `path`.json; either ending may be given."""
        facts = {key: value for key, value in asdict(self).items() if key != "vector"}
        save_sealed(_stem(path), {"vector": self.vector}, facts, indent=1)

    @classmethod
    def load(cls, path: str | Path, *, model_hash: str | None = None) -> "Direction":
        """Read a saved direction; with `model_hash`, refuse one fitted to other weights."""
        path = _stem(path)
        needed = {field.name for field in fields(cls)} - {"vector"}
        facts = load_facts(path, "direction", needed, again="fit it again")
        if model_hash is not None:
            _check_hash(str(path), facts["model_hash"], model_hash)
        return cls(vector=load_tensors(path)["vector"], **{name: facts[name] for name in needed})

    @classmethod
    def from_files(cls, path: Path, model_hash: str | None) -> "Direction":
        """Called by `from_pretrained`."""
        return cls.load(path, model_hash=model_hash)

    def hub_card(self, base: str, where: str) -> Card:
        """What it is, where it is and how it was fitted."""
        return Card(
            f"Direction {self.name}",
            "A unit vector in the residual stream of one language model, to be removed, added or read.",
            {
                "Meaning": self.meaning,
                "Layer": f"{self.layer} (from 0: the output of this decoder layer, resid_post)",
                "Width": len(self.vector),
                "Scale": f"{self.scale:.4g} (median norm there, the unit of steering strengths)",
                "Fitted on": self.position,
                "Fitted by": self.source,
                "Weights of the base": self.model_hash,
            },
            USE.format(base=literal(base), where=literal(where)),
            "Whether it is the only such direction, and what else its removal changes.",
            ["direction", "steering"],
        )


USE = """
import interp as tl
from interp.directions import Direction

lm = tl.load({base})
direction = Direction.from_pretrained({where}, model_hash=lm.weights_hash)
prompts = lm.prompts(["What should I do about a fever?"])
for edits in ([], [tl.Ablate(direction)], [tl.Add.from_direction(direction, 1.0)]):
    print(lm.generate(prompts, edits=edits).texts)
"""


def _stem(path: str | Path) -> Path:
    """The path without the ending of one of the two files."""
    return Path(str(path).removesuffix(".safetensors").removesuffix(".json"))


def _check_hash(name: str, fitted_to: str, weights: str) -> None:
    if fitted_to != weights:
        raise TriggerLensError(
            f"direction {name} was fitted to weights {fitted_to[:12]}, but this model has "
            f"{weights[:12]}; fit it again or load the model it belongs to (direction.vector itself is not checked)"
        )


def unit(vector: Float[Tensor, "*row d_model"]) -> Float[Tensor, "*row d_model"]:
    """The vector divided by its norm; a zero vector has no direction."""
    norm = vector.norm(dim=-1, keepdim=True)
    if bool((norm == 0).any()):
        raise TriggerLensError(
            "a zero vector has no direction; did both groups have the same mean?"
        )
    return vector / norm


def orthonormal(vectors: Float[Tensor, "rank d_model"]) -> Float[Tensor, "rank d_model"]:
    """An orthonormal basis of the span of the vectors; the first basis vector is the first vector, normalised."""
    if torch.linalg.matrix_rank(vectors.double()) < len(vectors):
        raise TriggerLensError(
            f"these {len(vectors)} vectors are linearly dependent; leave some out"
        )
    q, r = torch.linalg.qr(vectors.double().T)
    return (q * r.diagonal().sign()).T.to(vectors)


def random_like(direction: Direction, n: int, seed: int) -> Float[Tensor, "n d_model"]:
    """`n` random unit vectors for the same site, uniform on the sphere: controls for the direction."""
    generator = torch.Generator().manual_seed(seed)
    return unit(torch.randn(n, len(direction.vector), generator=generator).to(direction.vector))
