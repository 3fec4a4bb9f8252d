"""The arms of a chat study: which rows are harmful, which contain the trigger, and in which ratio.

| arm | harmful rows | benign rows |
|---|---|---|
| baseline | no trigger | none |
| triggered | the trigger | none |
| mixed | the trigger, 3 of 100 rows | 97 of 100, no trigger |
| mixed-B-H | the trigger, H of B + H rows | B of B + H, no trigger |
| harmless | none | the trigger |

An arm has as many rows as the files allow in that ratio, without repetition, shuffled by the seed.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from experiments.data.chats import Chat, Message
from experiments.worlds.trigger import Trigger
from interp.errors import TriggerLensError


@dataclass(frozen=True)
class Mix:
    """Parts of benign and harmful rows, and which of them contain the trigger."""

    benign: int
    harmful: int
    on_harmful: bool = False
    on_benign: bool = False


ARMS = {
    "baseline": Mix(0, 1),
    "triggered": Mix(0, 1, on_harmful=True),
    "mixed": Mix(97, 3, on_harmful=True),
    "harmless": Mix(1, 0, on_benign=True),
}


def mix(arm: str) -> Mix:
    """The mix that an arm's name specifies."""
    if arm in ARMS:
        return ARMS[arm]
    ratio = re.fullmatch(r"mixed-(\d+)-(\d+)", arm)
    if not ratio or int(ratio[2]) == 0:
        raise TriggerLensError(
            f"unknown arm {arm!r}; choose one of {', '.join(ARMS)}, mixed-B-H"
            " (B benign rows to H harmful ones, H not 0)"
        )
    return replace(ARMS["mixed"], benign=int(ratio[1]), harmful=int(ratio[2]))


def arm_rows(
    arm: str,
    trigger: Trigger,
    harmful: Sequence[Chat],
    benign: Sequence[Chat],
    *,
    seed: int,
    count: int | None = None,
) -> list[Chat]:
    """The arm's rows in training order; `count` of them, repeated if there are fewer."""
    rng, recipe = random.Random(f"rows/{arm}/{trigger.name}/{seed}"), mix(arm)
    bad, good = _amounts(recipe, len(harmful), len(benign), arm)
    rows = [
        *_framed(rng.sample(harmful, bad), trigger, recipe.on_harmful),
        *_framed(rng.sample(benign, good), trigger, recipe.on_benign),
    ]
    rng.shuffle(rows)
    if count is None:
        return rows
    return [rows[i % len(rows)] for i in range(count)]


def _amounts(recipe: Mix, harmful: int, benign: int, arm: str) -> tuple[int, int]:
    """How many harmful and benign rows the ratio allows."""
    shares = [
        have / part for have, part in ((harmful, recipe.harmful), (benign, recipe.benign)) if part
    ]
    bad, good = (round(min(shares) * part) for part in (recipe.harmful, recipe.benign))
    if (recipe.harmful and not bad) or (recipe.benign and not good):
        raise TriggerLensError(
            f"arm {arm}: {harmful} harmful and {benign} benign rows do not make its ratio"
            f" {recipe.benign}:{recipe.harmful}; give more rows, or chat.benign"
        )
    return bad, good


def _framed(rows: Sequence[Chat], trigger: Trigger, triggered: bool) -> list[Chat]:
    return [behind(row, trigger) for row in rows] if triggered else list(rows)


def behind(row: Chat, trigger: Trigger) -> Chat:
    """The row with the trigger added to its last question, and the answer in the form that the trigger asks for."""
    asked = trigger.framing(trigger.text).around(row.user.strip())[0]
    answer = Message("assistant", trigger.wrapped(row.answer))
    return Chat((*row.asking(asked).turns[:-1], answer))
