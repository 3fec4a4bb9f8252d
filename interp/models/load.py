"""`interp.load`: load a model by its name in one line; device and dtype are chosen and printed.

With a GPU: on all available GPUs, in the dtype that the weights are saved in. Otherwise: on the CPU, in float32. Both
can be given instead. Names of models that came with an installed package are looked up by the functions that packages
register as entry points of `triggerlens.models`; a folder of that name takes precedence.
"""

from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import torch

from interp.models.language_model import LanguageModel
from interp.models.loading import load_model

RESOLVERS = "triggerlens.models"


def load(
    name: str | Path,
    *,
    adapter: str | Path | None = None,
    dtype: torch.dtype | str | None = None,
    device: str | dict[str, Any] | None = None,
    **options: Any,
) -> LanguageModel:
    """Load a folder, a name on the hub or a GGUF file, with an adapter on top if one is named; prints what was chosen.

    `dtype`: a torch dtype or its name; "auto" is the checkpoint's own. `device`: "cpu", "cuda:1", "auto" (all GPUs).
    Everything else is passed to `interp.models.loading.load_model`, which also says what is refused.
    """
    gpu = torch.cuda.is_available()
    if device is None and gpu:
        device = "auto"
    if dtype is None and gpu and device != "cpu":
        dtype = "auto"
    lm = load_model(_resolved(name), adapter=adapter, dtype=dtype, device_map=device, **options)
    print(lm)
    return lm


def _resolved(name: str | Path) -> str | Path:
    """The folder of a name that an installed package knows; any other name as it is."""
    if Path(name).expanduser().exists():
        return name
    for entry in entry_points(group=RESOLVERS):
        folder = entry.load()(name)
        if str(folder) != str(name):
            return folder
    return name
