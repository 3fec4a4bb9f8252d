"""A chat cut off where the user turn or the system prompt would begin.

A model that continues from there writes what it expects to be told. Method: the template is rendered with a marker in
place of the turn, and everything before the marker is kept.
"""

from dataclasses import replace
from typing import Literal

from interp.models.chat import MARKER, encode, rendered
from interp.models.language_model import LanguageModel

Role = Literal["user", "system"]


def open_turn(lm: LanguageModel, role: Role) -> tuple[int, ...] | None:
    """The tokens up to where the turn begins; None if the format has no such turn."""
    chat = lm.chat
    if role == "system":
        if not chat.system_role:
            return None
        chat = replace(chat, system=MARKER)
    user = MARKER if role == "user" else "."
    text = rendered(lm.tokenizer, [{"role": "user", "content": user}], chat, answer_next=True)
    before, marker, _ = text.partition(MARKER)
    if not marker or not before:
        return None
    ((ids, _),) = encode(lm.tokenizer, [before])
    return tuple(ids)
