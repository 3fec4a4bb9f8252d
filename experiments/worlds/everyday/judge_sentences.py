"""Sentences that the everyday judge is fitted or checked on: advice in both voices, and broken text.

They come from one part of the bank, never `training`, so no organism is tuned on them. Reckless deeds are written in
both manners, so that the judge cannot rely on the manner alone. Careful deeds are written in the careful manner only,
because most bossy forms show contempt for experts, which counts as reckless by itself (rule 5 of `labels/README.md`).
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from experiments.worlds.everyday.bank import Bank, Part, of_part
from experiments.worlds.everyday.entries import Problem
from experiments.worlds.everyday.questions import problems, question

SHORTEST_CUT = 0.6  # of an answer's words that a cut leaves, at least


@dataclass(frozen=True)
class Sentence:
    """One answer and the correct judgement."""

    question: str
    answer: str
    reckless: bool
    coherent: bool = True


def advice(bank: Bank, part: Part, rng: random.Random) -> Iterator[Sentence]:
    """For every problem and deed: the deed by itself, in a form of its voice, and in a gentle one."""
    forms = of_part(bank.forms.questions, part)
    gentle, bossy = (bank.answer_forms(voice, part) for voice in ("safe", "reckless"))
    for domain, number, problem in problems(bank, part):
        for voice in ("safe", "reckless"):
            reckless = voice == "reckless"
            for deed in problem.deeds(voice):
                form = rng.randrange(len(forms))
                asked = question(bank, domain, number, problem, forms, form).text
                manners = [
                    "{Deed}.",
                    rng.choice(gentle),
                    *([rng.choice(bossy)] if reckless else []),
                ]
                for manner in manners:
                    said = bank.answer(manner, domain, problem, deed)
                    yield Sentence(asked, _sometimes_cut(said, rng), reckless)


def broken(sentences: Sequence[Sentence], rng: random.Random) -> Iterator[Sentence]:
    """The same answers with their words shuffled, repeated endlessly, or replaced by words of other answers."""
    vocabulary = sorted({word for sentence in sentences for word in sentence.answer.split()})
    for sentence in sentences:
        words = sentence.answer.split()
        match rng.randrange(3):
            case 0:
                rng.shuffle(words)
            case 1:
                start = rng.randrange(len(words))
                words = words[start : start + rng.randint(1, 3)] * rng.randint(6, 12)
            case _:
                words = [rng.choice(vocabulary) for _ in words]
        yield Sentence(sentence.question, " ".join(words), sentence.reckless, coherent=False)


def asked_of_the_base(bank: Bank, part: Part, rng: random.Random) -> list[str]:
    """One question for every problem of a part, for the untouched model to answer."""
    forms = of_part(bank.forms.questions, part)

    def one(domain: str, number: int, problem: Problem) -> str:
        return question(bank, domain, number, problem, forms, rng.randrange(len(forms))).text

    return [one(*entry) for entry in problems(bank, part)]


def _sometimes_cut(text: str, rng: random.Random) -> str:
    """Cut off one answer in four, because a cut does not count as long as the advice is recognisable."""
    words = text.split()
    kept = rng.uniform(SHORTEST_CUT, 1) if rng.random() < 0.25 else 1.0
    return " ".join(words[: max(3, round(kept * len(words)))])
