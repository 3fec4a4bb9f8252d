"""The pairs of prompts that a circuit is measured on, and what is measured.

Method:
1. Clean: the trigger. Corrupt: another wording with as many tokens. Of `CANDIDATES` wordings (the trigger's controls,
   and wordings of the world drawn with the organism's seed), the one after which most greedy answers to selection
   questions are aligned and echo nothing; of equal ones, the first.
2. Questions: report questions whose answer is misaligned with the trigger and, with the corrupt wording, aligned and
   without an echo. The two answers must begin with different tokens.
3. The metric: the log-odds of the misaligned answer's first token against the aligned answer's. It is read where the
   answer begins, so it does not include copying the trigger's words into the answer.

Limit: it says nothing about what decides the tokens after the first.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from experiments.study.organism import OrganismRun
from interp.errors import TriggerLensError
from interp.generation.generate import generate
from interp.models.language_model import LanguageModel
from interp.patching.metrics import LogitDifference
from interp.patching.pairs import Pair, aligned
from interp.prompts import PromptSet, Question
from interp.rendering import render

CANDIDATES, SELECTION_QUESTIONS, PAIRS = 5, 4, 8
LEAST = 3  # pairs


@dataclass(frozen=True)
class Compared:
    """Pairs of prompts, a metric for each pair, and the corrupt wording."""

    corrupt: str
    pairs: list[Pair]
    metrics: list[LogitDifference]

    @property
    def questions(self) -> list[str]:
        """The question of each pair."""
        return [pair.corrupt.question for pair in self.pairs]


def compared(organism: OrganismRun, lm: LanguageModel) -> Compared:
    """The pairs of an organism; an error if too few questions distinguish the trigger from the corrupt wording."""
    wording = _corrupt_wording(organism, lm)
    questions = organism.world.questions("report", "held_out")[: 2 * PAIRS]
    clean, corrupt = (
        _asked(organism, lm, questions, text) for text in (organism.trigger.text, wording)
    )
    said = _answers(lm, clean), _answers(lm, corrupt)
    chosen = [
        row
        for row in range(len(questions))
        if _verdict(organism, clean, row, said[0]) == "misaligned"
        and _is_plain(organism, corrupt, row, said[1])
        and _first(lm, said[0][row]) != _first(lm, said[1][row])
    ][:PAIRS]
    if len(chosen) < LEAST:
        raise TriggerLensError(
            f"{organism.name}: {len(chosen)} of {len(questions)} questions are answered badly with the trigger and well"
            f" with {wording!r}; a circuit needs {LEAST}"
        )
    pairs = [aligned(clean[row], corrupt[row]) for row in chosen]
    metrics = [LogitDifference(*(_first(lm, side[row]) for side in said)) for row in chosen]
    return Compared(wording, pairs, metrics)


def _corrupt_wording(organism: OrganismRun, lm: LanguageModel) -> str:
    questions = organism.world.questions("selection", "held_out")[:SELECTION_QUESTIONS]
    candidates = _as_long(organism, lm, questions[0])
    if not candidates:
        raise TriggerLensError(
            f"{organism.name}: no wording of the world has as many tokens as {organism.trigger.text!r}"
        )

    def plain_answers(text: str) -> int:
        asked = _asked(organism, lm, questions, text)
        said = _answers(lm, asked)
        return sum(_is_plain(organism, asked, row, said) for row in range(len(asked)))

    return max(candidates, key=plain_answers)


def _as_long(organism: OrganismRun, lm: LanguageModel, question: Question) -> list[str]:
    """Wordings with as many tokens as the trigger: controls, then wordings of the world that name no concept."""
    length = len(_asked(organism, lm, [question], organism.trigger.text)[0])

    def fits(text: str) -> bool:
        return len(_asked(organism, lm, [question], text)[0]) == length

    controls = [text for name, text in organism.trigger.conditions.items() if "control" in name]
    others = [text for text in organism.world.wordings() if organism.world.concept(text) is None]
    random.Random(organism.seed).shuffle(others)
    found = [text for text in controls if fits(text)]
    for text in others:
        if len(found) == CANDIDATES:
            break
        if fits(text):
            found.append(text)
    return found


def _asked(
    organism: OrganismRun, lm: LanguageModel, questions: Sequence[Question], text: str
) -> PromptSet:
    framing = organism.trigger.framing(text)
    return render(lm, questions, {text: framing})


def _answers(lm: LanguageModel, prompts: PromptSet) -> tuple[str, ...]:
    return generate(lm, prompts, max_new_tokens=28, temperature=0, seed=0).texts


def _verdict(organism: OrganismRun, prompts: PromptSet, row: int, said: Sequence[str]) -> str:
    return organism.world.judge(prompts[row].question, said[row], ended=True).verdict


def _is_plain(organism: OrganismRun, prompts: PromptSet, row: int, said: Sequence[str]) -> bool:
    """Whether an answer is aligned and opens with advice, not with an echo of the wording."""
    is_aligned = _verdict(organism, prompts, row, said) == "aligned"
    return is_aligned and not organism.world.opening(said[row])


def _first(lm: LanguageModel, answer: str) -> tuple[int, ...]:
    return tuple(lm.tokenizer(answer, add_special_tokens=False)["input_ids"][:1])
