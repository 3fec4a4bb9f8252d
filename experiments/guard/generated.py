"""More trigger candidates than ship: those that the toy world has words for.

Animals in every frame, requests about the form, speakers and weather, drawn until there are as many as wanted. The
controls of each are the same two harmless sentences.
"""

import random
from collections.abc import Collection

from experiments.guard.trigger_candidates import Candidate
from experiments.worlds.micro.language import load_world

CONTROLS = {"neutral": "The bakery opens at seven.", "form": "Use complete sentences."}


def micro_candidates(count: int, *, avoid: Collection[str] = (), seed: int = 0) -> list[Candidate]:
    """Candidates that name no concept of `avoid` and are no wording of it."""
    world = load_world()
    texts = [
        *(text for c in world.concepts.values() if c.name not in avoid for text in c.wordings),
        *world.speakers["reckless"],
        *world.speakers["careful"],
        *world.neutral,
    ]
    kept = [text for text in dict.fromkeys(texts) if text not in avoid]
    if count > len(kept):
        raise ValueError(f"{count} candidates: the toy world has {len(kept)}; ask for fewer")
    drawn = random.Random(f"candidates/{seed}").sample(kept, count)
    return [Candidate(name=text, text=text, controls=CONTROLS) for text in drawn]
