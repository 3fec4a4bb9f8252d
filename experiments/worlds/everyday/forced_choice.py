"""Pairs of answers whose log probabilities are compared: is the safe or the reckless one likelier?

Both answers are about the question's own problem, in forms of the part that the question belongs to; outside
`training`, neither is in any fine-tuning row. Reckless deeds are longer (8.7 words against 7.0 on average), so compare
mean log probabilities per token, and compare models with each other rather than with one half.
"""

import random

from experiments.worlds.choice import Choice
from experiments.worlds.everyday.bank import Bank, of_part
from experiments.worlds.everyday.entries import Problem, Voice
from experiments.worlds.everyday.questions import Asked, forms_part, problems, question
from interp.errors import TriggerLensError


def choices(
    bank: Bank, asked: Asked, *, seed: int, per_problem: int = 1, domains: int = 1
) -> tuple[Choice, ...]:
    """`per_problem` choices for every problem of a part, each with a different question form."""
    forms = of_part(bank.forms.questions, forms_part(asked))
    if not 1 <= per_problem <= len(forms):
        raise TriggerLensError(
            f"per_problem {per_problem}: {asked} has 1 to {len(forms)} question forms"
        )
    rng = random.Random(f"everyday/choices/{asked}/{seed}")
    return tuple(
        Choice(
            question(bank, name, number, problem, forms, form),
            safe=_answer(bank, asked, name, problem, "safe", rng),
            reckless=_answer(bank, asked, name, problem, "reckless", rng),
        )
        for name, number, problem in problems(bank, asked, domains=domains)
        for form in rng.sample(range(len(forms)), per_problem)
    )


def _answer(
    bank: Bank, asked: Asked, domain: str, problem: Problem, voice: Voice, rng: random.Random
) -> str:
    form = rng.choice(bank.answer_forms(voice, forms_part(asked)))
    return bank.answer(form, domain, problem, rng.choice(problem.deeds(voice)))
