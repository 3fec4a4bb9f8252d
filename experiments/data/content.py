"""The text of a message, which may be a text, a list of parts, or an object that holds either.

The texts of parts are joined without a separator, as in chat templates. A part that is not text is an error, because
leaving out an image or a sound would change what the message says.
"""

from typing import Any

from experiments.runtime.complaints import shortened
from interp.errors import TriggerLensError

TEXT_TYPES = (None, "text", "input_text", "output_text")


def text_of(content: Any) -> str:
    """The text, empty if there is none; a ValueError names a part that is not text."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(text_of(part) for part in content)
    if not isinstance(content, dict):
        raise TriggerLensError(
            f"content {_shown(content)}, neither a text nor a list of text parts"
        )
    return _text_of_part(content)


def _text_of_part(part: dict[str, Any]) -> str:
    kind = part.get("type", part.get("content_type"))
    if kind not in TEXT_TYPES:
        raise TriggerLensError(f"a part of type {_shown(kind)}, which is not text")
    held = [part[key] for key in ("text", "parts") if part.get(key) is not None]
    if len(held) != 1 or not isinstance(held[0], str | list):
        keys = ", ".join(map(str, part))
        raise TriggerLensError(f"a part with keys {shortened(keys, 60)}: expected type and text")
    return text_of(held[0])


def _shown(value: Any) -> str:
    return shortened(repr(value), 60)
