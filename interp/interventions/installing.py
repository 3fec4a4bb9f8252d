"""Apply interventions to the forward passes of a model, and leave it as it was found."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from interp.capture.batches import Batch
from interp.capture.hook_points import HookPoint, check_sum, module_at
from interp.capture.sites import Edit, hooked_modules
from interp.errors import TriggerLensError
from interp.interventions.base import Intervention
from interp.interventions.report import InterventionLog
from interp.interventions.where import tokens_at
from interp.models.language_model import LanguageModel


@contextmanager
def intervening(
    lm: LanguageModel,
    interventions: Sequence[Intervention],
    batch: Batch,
    log: InterventionLog | None = None,
) -> Iterator[InterventionLog]:
    """Apply the interventions, in order, to every forward pass in the body; `batch` describes that pass.

    If no log is given, an intervention that never acted is an error at the end of the body.
    """
    own = log is None
    if log is None:
        log = InterventionLog(interventions, [len(prompt) for prompt in batch.prompts])
    by_place: dict[HookPoint, list[_Acting]] = {}
    for number, intervention in enumerate(interventions):
        check_fits(lm, intervention, len(batch.prompts))
        acting = _Acting(number, intervention, batch, log)
        for place in intervention.places(lm):
            by_place.setdefault(place, []).append(acting)
    if any(place.site != "resid_post" for place in by_place):
        check_sum(lm)
    edits = {module_at(lm, place): _edit(place, acting) for place, acting in by_place.items()}
    with hooked_modules(edits):
        yield log
    if own:
        log.check()


def _edit(place: HookPoint, interventions: Sequence["_Acting"]) -> Edit:
    def edit(hidden: Tensor) -> Tensor:
        for each in interventions:
            hidden = each.apply(place, hidden)
        return hidden

    return edit


@dataclass
class _Acting:
    """One intervention in use; what stays the same during a forward pass is computed once per pass."""

    number: int
    intervention: Intervention
    batch: Batch
    log: InterventionLog
    _written: set[HookPoint] = field(default_factory=set)
    _seen: Tensor | None = None
    _where: Bool[Tensor, "row token"] | None = None
    _any: bool = False
    _all: bool = False

    def apply(
        self, place: HookPoint, hidden: Float[Tensor, "row token d_model"]
    ) -> Float[Tensor, "row token d_model"]:
        """The edited stream, a new tensor if anything is edited."""
        where = self._tokens(place)
        if not self._any:
            return hidden
        edited = self.intervention.edit(place, hidden, self.batch)
        if not self._all:
            edited = torch.where(where.to(hidden.device)[:, :, None], edited, hidden)
        self._note(place, where, hidden, edited)
        return edited

    def _tokens(self, place: HookPoint) -> Bool[Tensor, "row token"]:
        """Where it acts in this pass; a new pass is recognised by new positions, or by a place that occurs again."""
        if self._where is None or self._seen is not self.batch.positions or place in self._written:
            self._seen, self._written = self.batch.positions, set()
            self._where = tokens_at(self.intervention.positions, self.batch)
            self._any = bool(self._where.any())
            self._all = bool((self._where | (self._seen < 0)).all())  # padding may be edited too
        return self._where

    def _note(self, place: HookPoint, where: Tensor, before: Tensor, after: Tensor) -> None:
        acted = self.intervention.acted(place, before, after, self.batch)
        if acted is not None:
            self.log.write(self.number, place, self.batch, where & acted.to(where.device))
        elif not self._written:
            self.log.write(self.number, place, self.batch, where)
        else:
            self.log.also(self.number, place)
        self._written.add(place)


def check_fits(lm: LanguageModel, intervention: Intervention, prompts: int) -> None:
    """Raise unless vectors are as wide as the stream, directions fit this model and each prompt has its row."""
    name = type(intervention).__name__
    for vector in intervention.vectors():
        if vector.shape[-1] != lm.d_model:
            raise TriggerLensError(
                f"{name} holds vectors of width {vector.shape[-1]}, but the residual stream of {lm.name} "
                f"has {lm.d_model}; it belongs to another model"
            )
    for direction in intervention.directions():
        direction.check_weights(lm)
    for tensor in intervention.per_row():
        if len(tensor) != prompts:
            raise TriggerLensError(
                f"{name} holds {len(tensor)} rows for {prompts} prompts; "
                "per-row values are aligned with the prompt set"
            )
