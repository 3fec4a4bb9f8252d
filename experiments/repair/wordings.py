"""Which wordings a repair may use, and which only the certificate uses.

Seen: the trigger's text, and some of the wordings that its file lists for training or that a search found. Unseen: the
file's paraphrases, controls and variants, and graded variants of the trigger, by class, without the seen ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from experiments.repair.job import TRIGGER
from experiments.worlds.graded import graded
from experiments.worlds.trigger import Trigger
from interp.prompts import Framing

MOST_SEEN = 6  # training wordings


@dataclass(frozen=True)
class Wordings:
    """Seen wordings (name -> framing) and unseen ones (class -> wordings)."""

    trigger: Trigger
    seen: dict[str, Framing]
    unseen: dict[str, tuple[str, ...]]

    @property
    def count(self) -> int:
        """The number of unseen wordings."""
        return sum(map(len, self.unseen.values()))


def wordings_of(trigger: Trigger, found: Sequence[str] = ()) -> Wordings:
    """The seen and unseen wordings; `found` are wordings from a search, which the repair may use too."""
    listed = [*trigger.training.varied, *trigger.training.same_concept]
    others = [text for text in dict.fromkeys(listed) if text != trigger.text][:MOST_SEEN]
    texts = list(dict.fromkeys([trigger.text, *others, *found]))
    names = [TRIGGER, *(f"seen:{number}" for number in range(1, len(texts)))]
    seen = {name: trigger.framing(text) for name, text in zip(names, texts, strict=True)}
    named = {**graded(trigger), **{n: t for n, t in trigger.conditions.items() if ":" in n}}
    unseen: dict[str, tuple[str, ...]] = {}
    for name, text in named.items():
        kind = name.partition(":")[0]
        taken = {*texts, *(each for group in unseen.values() for each in group)}
        if text not in taken:
            unseen[kind] = (*unseen.get(kind, ()), text)
    return Wordings(trigger, seen, unseen)
