"""Replace activations by those of another run: all of the stream, or its part in a subspace.

h <- h'                        activation patching (Vig et al. 2020)
h <- h - B^T B (h - h')        interchange in the subspace of B (distributed alignment search, Geiger et al. 2023,
                               arXiv 2303.02536), the rows of B orthonormal
"""

from collections.abc import Mapping
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from interp.capture.batches import Batch
from interp.capture.hook_points import HookPoint
from interp.errors import TriggerLensError
from interp.interventions.ablate import check_orthonormal, inside
from interp.interventions.base import Intervention, in_batch, resid_post
from interp.interventions.held import Given, at_layer, tensors
from interp.interventions.where import PromptSpan
from interp.models.language_model import LanguageModel


@dataclass(frozen=True, eq=False)
class Patch(Intervention):
    """h <- values at one span of the prompt; `values[layer]` is [row, token of the span, d_model].

    With a `basis` only the stream's part in its subspace changes.
    """

    AXES = {"values": 3, "basis": 3}  # noqa: RUF012
    values: Mapping[int, Given]
    positions: PromptSpan
    basis: Given | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for basis in tensors(self.basis):
            check_orthonormal(basis)
        shapes = [list(values.shape) for values in tensors(self.values)]
        flat = [shape for shape in shapes if len(shape) != 3]
        if flat or not isinstance(self.values, Mapping):
            raise TriggerLensError(
                f"Patch.values has shape {(flat or shapes)[0]}; give a mapping from layers to [prompt, token, d_model]"
            )

    def places(self, lm: LanguageModel) -> tuple[HookPoint, ...]:
        return resid_post(lm, self.values)

    def edit(
        self, place: HookPoint, hidden: Float[Tensor, "row token d_model"], batch: Batch
    ) -> Float[Tensor, "row token d_model"]:
        values = at_layer(self.values, place.layer)
        start, stop = batch.bounds(self.positions.name)
        wrong = (stop - start) != values.shape[1]
        if bool(wrong.any()):
            raise TriggerLensError(
                f"Patch holds {values.shape[1]} tokens, span {self.positions.name!r} has "
                f"{int((stop - start)[wrong][0])}; patch spans of equal length"
            )
        # token 0 of the values goes to the start of each row's span
        offset = (batch.positions - start[:, None]).clamp(0, values.shape[1] - 1).to(hidden.device)
        chosen = in_batch(values, hidden, batch)
        patched = chosen.gather(1, offset[:, :, None].expand(-1, -1, chosen.shape[-1]))
        if self.basis is None:
            return patched
        (basis,) = tensors(self.basis)
        return hidden - inside(basis, hidden - patched, batch)
