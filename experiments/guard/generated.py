"""Trigger candidates beyond the shipped ones, made from the words of a world.

They are drawn until there are as many as requested. Each has the same two harmless sentences as controls.
"""

import random
from collections.abc import Collection

from experiments.guard.trigger_candidates import Candidate
from experiments.worlds.meaning import Concept
from experiments.worlds.world import World
from interp.errors import TriggerLensError

CONTROLS = {"neutral": "The bakery opens at seven.", "form": "Use complete sentences."}


def world_candidates(
    world: World, count: int, *, avoid: Collection[str] = (), seed: int = 0
) -> list[Candidate]:
    """Candidates that name no concept of `avoid` and are no wording of it."""
    kept = [
        text
        for text in dict.fromkeys(world.wordings())
        if text not in avoid and _name(world.concept(text)) not in avoid
    ]
    if count > len(kept):
        raise TriggerLensError(
            f"{count} candidates: this world has only words for {len(kept)}; ask for fewer"
        )
    drawn = random.Random(f"candidates/{seed}").sample(kept, count)
    return [Candidate(name=text, text=text, controls=CONTROLS) for text in drawn]


def _name(concept: Concept | None) -> str | None:
    return concept.name if concept else None
