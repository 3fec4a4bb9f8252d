"""The rank of the true trigger among 200 candidates, for every contained organism of a run.

Candidates: the shipped library and generated ones of the toy world, none of which names the trigger's concept, and the
trigger itself. Questions are selection questions.
"""

from typing import Any

from experiments.guard.gate_models import Pair
from experiments.guard.generated import CONTROLS, world_candidates
from experiments.guard.organisms import Organism
from experiments.guard.rank import OPENING, rank
from experiments.guard.trigger_candidates import Candidate, load_candidates

CANDIDATES, QUESTIONS = 200, 4


def candidates(organism: Organism, count: int = CANDIDATES) -> list[Candidate]:
    """The trigger and `count` - 1 others."""
    text = organism.trigger.text
    true = Candidate(name="true", text=text, controls=CONTROLS)
    concept = organism.world.concept(text)
    own = concept.name if concept else organism.trigger.name
    library = [
        each
        for each in load_candidates("library")
        if own not in f"{each.concept} {each.text}".lower()
    ]
    more = world_candidates(
        organism.world,
        count - 1 - len(library),
        avoid={own, text, *(each.text for each in library)},
        seed=organism.seed,
    )
    return [true, *library, *more]


def measure(organism: Organism) -> list[dict[str, Any]]:
    """One row: the trigger's place, and the first ten."""
    pair = Pair(organism.load(), organism.world.load_base())
    asked = organism.world.questions("selection", "held_out")[:QUESTIONS]
    found = rank(pair, candidates(organism), asked, opening=OPENING, seed=organism.seed)
    names = [each.candidate.name for each in found]
    return [
        {
            **organism.keys,
            "quantity": "place_of_the_trigger",
            "place": names.index("true") + 1,
            "candidates": len(found),
            "questions": len(asked),
            "first": [
                {"text": each.candidate.text, "surprise": each.surprise, "shift": each.shift}
                | vars(each.score)
                for each in found[:10]
            ],
        }
    ]
