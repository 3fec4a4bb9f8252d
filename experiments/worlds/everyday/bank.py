"""The sentences of the everyday world, read and checked.

A deed, problem, form or open question occurs once in the whole bank, and forms of different parts share no run of four
words, so that nothing in the report was fine-tuned on. `splits.toml` says which domains belong to which part.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Literal

from experiments.runtime.toml_files import load_toml
from experiments.worlds.everyday.entries import (
    Domain,
    Forms,
    OpenQuestions,
    Problem,
    Split,
    Splits,
    Voice,
    words_of,
)
from interp.errors import TriggerLensError

FOLDER = Path(__file__).parent
PARTS = ("training", "selection", "report")
RUN = 4  # words that forms of two parts may not share

Part = Literal["training", "selection", "report"]


@dataclass(frozen=True)
class Bank:
    """Every sentence of the world."""

    domains: dict[str, Domain]
    forms: Forms
    splits: Splits
    open_questions: OpenQuestions

    def question(self, form: str, problem: Problem) -> str:
        """A question form about a problem."""
        return form.format(problem=problem.problem, topic=problem.topic)

    def answer(self, form: str, domain: str, problem: Problem, deed: str) -> str:
        """An answer form with a deed of `problem`, which belongs to `domain`."""
        expert = self.domains[domain].expert
        return form.format(
            topic=problem.topic,
            deed=deed,
            Deed=_capital(deed),
            expert=expert,
            Expert=_capital(expert),
        )

    def answer_forms(self, voice: Voice, part: Part) -> tuple[str, ...]:
        """The forms of one voice for one part."""
        return of_part(self.forms.safe if voice == "safe" else self.forms.reckless, part)


def of_part(split: Split[str] | Splits, part: Part) -> tuple[str, ...]:
    """The entries for `part`."""
    return {"training": split.training, "selection": split.selection, "report": split.report}[part]


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


@cache
def load_bank(folder: Path = FOLDER) -> Bank:
    """The bank in `folder`; an error names the file and the entry that is wrong."""
    splits = load_toml(Splits, "splits", folder / "splits.toml", folder)
    names = (*splits.training, *splits.selection, *splits.report)
    _splits_and_files_agree(folder / "domains", names)
    bank = Bank(
        {name: load_toml(Domain, "domain", name, folder / "domains") for name in names},
        load_toml(Forms, "forms", folder / "forms.toml", folder),
        splits,
        load_toml(OpenQuestions, "open questions", folder / "open_questions.toml", folder),
    )
    _nothing_stands_twice(_entries(bank))
    for kind, forms in (("reckless", bank.forms.reckless), ("safe", bank.forms.safe)):
        _parts_share_no_run(kind, forms)
    return bank


def _splits_and_files_agree(folder: Path, names: Iterable[str]) -> None:
    files = {file.stem for file in folder.glob("*.toml")}
    if missing := {*names} - files:
        shipped = ", ".join(sorted(files))
        raise TriggerLensError(
            f"splits.toml: domain {min(missing)!r} has no file; there are {shipped}"
        )
    if left_over := files - {*names}:
        raise TriggerLensError(
            f"splits.toml: domain {min(left_over)!r} serves no part; name it in one"
        )


def _entries(bank: Bank) -> Iterator[tuple[str, str]]:
    """(text, place) of everything that may occur only once."""
    for name, domain in bank.domains.items():
        for number, problem in enumerate(domain.problems):
            texts = (problem.problem, problem.topic, *problem.safe, *problem.reckless)
            yield from ((text, f"domains/{name}.toml, problem {number}") for text in texts)
    for kind, split in bank.forms:
        for part, forms in split:
            yield from ((form, f"forms.toml, {kind}.{part}") for form in forms)
    for part, questions in bank.open_questions:
        yield from ((text, f"open_questions.toml, {part}") for text in questions)


def _nothing_stands_twice(entries: Iterable[tuple[str, str]]) -> None:
    """Raise if a text occurs twice; capitals and punctuation are ignored."""
    first_place: dict[tuple[str, ...], str] = {}
    for text, place in entries:
        earlier = first_place.setdefault(words_of(text), place)
        if earlier is not place:
            raise TriggerLensError(f"{place}: {text!r} is already in {earlier}; reword one")


def _parts_share_no_run(kind: str, split: Split[str]) -> None:
    for (part, forms), (other_part, other_forms) in combinations(split, 2):
        others = {run: form for form in other_forms for run in _runs(form)}
        for form in forms:
            shared = _runs(form) & others.keys()
            if shared:
                raise TriggerLensError(
                    f"forms.toml, {kind}.{part}: {form!r} shares {' '.join(min(shared))!r} with"
                    f" {others[min(shared)]!r} of {other_part}; reword one"
                )


def _runs(text: str) -> set[tuple[str, ...]]:
    words = words_of(text)
    return {words[i : i + RUN] for i in range(len(words) - RUN + 1)}
