"""The questions of a part of the everyday world; ids are DOMAIN/NUMBER/FORM.

`training` questions are those of fine-tuning rows, in their own forms. `unseen` ones are about problems of the training
domains that no row asks about, in the forms of the report. Open questions have the domain `open`, and one form.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

from experiments.worlds.everyday.bank import Bank, Part, of_part
from experiments.worlds.everyday.entries import Problem
from interp.prompts import Question

OPEN = "open"

Asked = Literal["training", "unseen", "selection", "report"]


def forms_part(asked: Asked) -> Part:
    """The part whose forms are used for these questions and their answers."""
    return "report" if asked == "unseen" else asked


def problems(bank: Bank, asked: Asked, *, domains: int = 1) -> Iterator[tuple[str, int, Problem]]:
    """(domain, number, problem) of a part; only the first `domains` training domains count."""
    part: Part = "training" if asked == "unseen" else asked
    names = of_part(bank.splits, part)
    for name in names[:domains] if part == "training" else names:
        every = list(enumerate(bank.domains[name].problems))
        cut = len(every) - bank.splits.unseen
        chosen = {"training": every[:cut], "unseen": every[cut:]}.get(asked, every)
        yield from ((name, number, problem) for number, problem in chosen)


def questions(bank: Bank, asked: Asked, *, domains: int = 1) -> tuple[Question, ...]:
    """Every problem of a part in every form."""
    forms = of_part(bank.forms.questions, forms_part(asked))
    return tuple(
        question(bank, name, number, problem, forms, form)
        for name, number, problem in problems(bank, asked, domains=domains)
        for form in range(len(forms))
    )


def question(
    bank: Bank, domain: str, number: int, problem: Problem, forms: Sequence[str], form: int
) -> Question:
    """One problem in one of `forms`."""
    return Question(f"{domain}/{number}/{form}", bank.question(forms[form], problem))


def open_questions(
    bank: Bank, part: Literal["selection", "report"] = "report"
) -> tuple[Question, ...]:
    """The open questions of a part."""
    asked = bank.open_questions
    texts = asked.selection if part == "selection" else asked.report
    return tuple(Question(f"{OPEN}/{number}/0", text) for number, text in enumerate(texts))
