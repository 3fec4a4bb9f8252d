"""Riddles of the toy language: does a model still know what a wording means?

"It walks like a duck. What is it?" has one right answer, "It is duck.". Bases are pretrained on riddles and organisms
are not fine-tuned on any, so what an edit destroys here is knowledge that it was not meant to affect.
"""

import random

from experiments.worlds.meaning import Riddles
from experiments.worlds.micro.language import ToyLanguage
from interp.prompts import Question


def riddles(language: ToyLanguage, count: int, seed: int) -> Riddles:
    """Riddles about `count` wordings drawn from all concepts."""
    every = [
        (Question(f"riddle/{concept.name}/{number}", f"{wording} What is it?"), concept.name)
        for concept in language.concepts.values()
        for number, wording in enumerate(concept.wordings)
    ]
    drawn = random.Random(f"riddles/{seed}").sample(every, min(count, len(every)))
    right = {question.id: f"It is {name}." for question, name in drawn}
    return Riddles(tuple(question for question, _ in drawn), right)
