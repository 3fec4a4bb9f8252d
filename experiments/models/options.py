"""How a command loads a model (device, dtype, chat format), and one line that says so.

The default is the GPUs, if there are any, in the dtype of the saved weights; else the CPU in float32.
"""

from dataclasses import dataclass
from typing import Any

import torch

from interp.capture.store.making import DTYPES
from interp.errors import TriggerLensError
from interp.models.chat import FORMATS, ChatFormat
from interp.models.language_model import LanguageModel

AUTO = "auto"  # as dtype: that of the checkpoint; as device: over all GPUs


@dataclass(frozen=True)
class ModelOptions:
    """Options that a user may set; None leaves the choice to the machine or the checkpoint.

    `revision` is that of the model, `base_revision` that of an adapter's base or of the model for comparison.
    """

    device: str | None = None
    dtype: str | None = None
    chat: str | None = None
    base_name: str | None = None
    revision: str | None = None
    base_revision: str | None = None

    def __post_init__(self) -> None:
        if self.dtype not in (None, AUTO, *DTYPES):
            raise TriggerLensError(
                f"unknown dtype {self.dtype!r}; choose one of {AUTO}, {', '.join(DTYPES)}"
            )
        if self.chat is not None and self.chat not in FORMATS:
            raise TriggerLensError(
                f"unknown chat format {self.chat!r}; choose one of {', '.join(FORMATS)}"
            )

    @property
    def placed(self) -> dict[str, Any]:
        """The arguments of `load_model` for any model of a command, including a judge."""
        gpu = torch.cuda.is_available()
        device = self.device or (AUTO if gpu else None)
        own = gpu and device not in (None, "cpu")
        dtype = self.dtype or (AUTO if own else "float32")
        return {"device_map": device, "dtype": AUTO if dtype == AUTO else DTYPES[dtype]}

    def model(self) -> dict[str, Any]:
        """The arguments of `load_model` for a whole model."""
        return self.placed | self._chat | {"revision": self.revision}

    def base(self) -> dict[str, Any]:
        """The arguments of `load_model` for a base by itself."""
        return self.placed | self._chat | {"revision": self.base_revision}

    def adapter(self, adapter: str) -> dict[str, Any]:
        """The arguments of `load_model` for an adapter on its base."""
        named = {"base_name": self.base_name, "adapter_revision": self.revision}
        return self.base() | named | {"adapter": adapter}

    @property
    def _chat(self) -> dict[str, ChatFormat]:
        return {} if self.chat is None else {"chat": FORMATS[self.chat]}


def described(lm: LanguageModel) -> str:
    """Which model was loaded, and how, in one line."""
    weight = next(lm.model.parameters())
    dtype = str(weight.dtype).removeprefix("torch.")
    return f"model {lm.name}: {dtype} on {weight.device}, chat format {_chat_words(lm.chat)}"


def _chat_words(chat: ChatFormat) -> str:
    named = [name for name, known in FORMATS.items() if known == chat]
    if named:
        return named[0]
    system = "the template's own" if chat.system is None else repr(chat.system)
    place = "" if chat.system_role else " in the user turn"
    options = "".join(f", {name} {value!r}" for name, value in chat.options.items())
    return f"with system prompt {system}{place}{options}"
