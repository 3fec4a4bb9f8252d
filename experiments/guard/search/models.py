"""The adapter on its base, live: one model in memory is both."""

from pathlib import Path

from experiments.guard.gate_models import Pair, load_chat
from experiments.models.options import ModelOptions
from interp.errors import TriggerLensError
from interp.models.adapter_limits import OFF, check_use


def live_pair(adapter: str, base: str, options: ModelOptions) -> Pair:
    """The model with its adapter, which is also its base when the adapter is off; others are refused."""
    if Path(adapter).is_dir() and not (Path(adapter) / "adapter_config.json").is_file():
        raise TriggerLensError(
            f"{adapter} holds no adapter_config.json: the base is the model with its adapter off; give an"
            " adapter's folder"
        )
    lm = load_chat(base, **options.adapter(adapter))
    check_use(lm.model, OFF, lm.name)
    return Pair(lm, lm)
