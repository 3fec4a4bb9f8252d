"""Scale an adapter's contribution by a number (its dose) within a context.

    with adapter_dose(lm, 0.5):
        generate(lm, prompts, ...)

0 is the base and 1 the model as it was tuned; in between, the weights are interpolated linearly (Wortsman et al. 2021,
"WiSE-FT"). It composes with interventions, which act on whatever the model computes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from interp.errors import TriggerLensError
from interp.models.adapter_limits import DOSE, check_use
from interp.models.language_model import LanguageModel


@contextmanager
def adapter_dose(lm: LanguageModel, dose: float | int) -> Iterator[None]:
    """Scale every LoRA of the model by `dose`; ValueError for adapters that are not plain LoRA."""
    from peft.helpers import rescale_adapter_scale

    model: Any = lm.model
    if not getattr(model, "peft_config", None):
        raise TriggerLensError(
            f"{lm.name} has no live adapter; load it with adapter= and without merge"
        )
    check_use(model, DOSE, lm.name)
    with rescale_adapter_scale(model, dose):
        yield
