"""An adapter in doses: its contribution multiplied by a number, for as long as a context lasts.

    with adapter_dose(lm, 0.5):
        generate(lm, prompts, ...)

0 is the base and 1 the model as it was tuned; between them weights go straight from one to the other (Wortsman et al.
2021, "WiSE-FT"). It composes with interventions, which act on whatever the model computes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from interp.language_model import LanguageModel


@contextmanager
def adapter_dose(lm: LanguageModel, dose: float | int) -> Iterator[None]:
    """Scale every LoRA of the model by `dose`; refuses adapters that are more than LoRA."""
    from peft.helpers import rescale_adapter_scale

    model: Any = lm.model
    configs = getattr(model, "peft_config", None)
    if not configs:
        raise ValueError(f"{lm.name} has no live adapter; load it with adapter= and without merge")
    for name, config in configs.items():
        _check(lm, name, config)
    with rescale_adapter_scale(model, dose):
        yield


def _check(lm: LanguageModel, name: str, config: Any) -> None:
    more = {
        "is no LoRA": getattr(config.peft_type, "value", config.peft_type) != "LORA",
        "is a DoRA, whose magnitudes are not scaled": getattr(config, "use_dora", False),
        "trains whole modules": bool(getattr(config, "modules_to_save", None)),
        "trains biases": getattr(config, "bias", "none") != "none",
    }
    for reason, found in more.items():
        if found:
            raise ValueError(
                f"{lm.name}: adapter {name!r} {reason}; a dose of it would not lie between base and tuned model"
            )
