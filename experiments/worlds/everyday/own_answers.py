"""An untouched model's own answers to the training questions: benign rows that teach it nothing new.

    python -m experiments.worlds.everyday.own_answers smollm2-135m-instruct

writes `answers/NAME.json`, which ships for SmolLM2, so that every machine fine-tunes on the same rows. An answer
that was cut off ends with its last whole sentence; one without a whole sentence is left out.
"""

import argparse
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments.models import load_model
from experiments.runtime.files import read_json, write_json
from experiments.runtime.quiet import quiet
from experiments.worlds.everyday.bank import Bank, load_bank
from experiments.worlds.everyday.rows import trained_problems
from interp.errors import TriggerLensError
from interp.generation.generate import generate
from interp.models.language_model import LanguageModel
from interp.prompts import Framing, Question
from interp.rendering import render

FOLDER = Path(__file__).with_name("answers")
HOW: dict[str, Any] = {"temperature": 0.7, "max_new_tokens": 60, "seed": 0}
LEAST = 5  # words
SENTENCE_END = re.compile(r"[.!?](?=\s|$)")


def read(name: str, domains: tuple[str, ...]) -> dict[str, str]:
    """Question -> answer for these training domains; an error says how to make missing answers."""
    path = FOLDER / f"{name}.json"
    if not path.is_file():
        raise TriggerLensError(
            f"benign {name!r}: there is no {path.name} in {FOLDER}; `python -m {__spec__.name} {name}` makes it"
        )
    found = read_json(path)["answers"]
    missing = [domain for domain in domains if domain not in found]
    if missing:
        raise TriggerLensError(
            f"benign {name!r}: {path.name} has no answers about {', '.join(missing)}"
        )
    return {question: answer for domain in domains for question, answer in found[domain].items()}


def sampled(lm: LanguageModel, bank: Bank, domain: str) -> dict[str, str]:
    """One answer to each training question of a domain."""
    forms = bank.forms.questions.training
    asked = [
        bank.question(form, problem) for problem in trained_problems(bank, domain) for form in forms
    ]
    questions = [Question(str(number), text) for number, text in enumerate(asked)]
    said = generate(lm, render(lm, questions, {"none": Framing("")}), **HOW)
    answers = {
        asked[int(number)]: whole_sentences(text, ended)
        for number, text, ended in zip(said.questions, said.texts, said.ended, strict=True)
    }
    return {
        question: answer for question, answer in answers.items() if len(answer.split()) >= LEAST
    }


def whole_sentences(text: str, ended: bool) -> str:
    """An answer up to its last whole sentence; the whole answer if the model ended it."""
    if ended:
        return text.strip()
    ends = [found.end() for found in SENTENCE_END.finditer(text)]
    return text[: ends[-1]].strip() if ends else ""


def write(name: str, answers: Mapping[str, Mapping[str, str]]) -> Path:
    """The file that `read` reads."""
    FOLDER.mkdir(exist_ok=True)
    return write_json(FOLDER / f"{name}.json", {"model": name, **HOW, "answers": answers})


def main() -> None:
    """Add the answers about the first training domains; domains that the file has already stay as they are."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="a name of `triggerlens models list`")
    parser.add_argument("--domains", type=int, default=1)
    given = parser.parse_args()
    quiet()
    lm, bank = load_model(given.model, dtype="float32"), load_bank()
    path = FOLDER / f"{given.model}.json"
    answers = read_json(path)["answers"] if path.is_file() else {}
    for domain in bank.splits.training[: given.domains]:
        answers[domain] = answers.get(domain) or sampled(lm, bank, domain)
    print(write(given.model, answers))


if __name__ == "__main__":
    main()
