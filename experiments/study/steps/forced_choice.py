"""Which of two answers, safe or reckless, a model finds likelier under every wording; no judge is needed.

Each answer is read after the prompt that asks its question and scored by its mean log-probability per token. The fact
is the margin, reckless minus safe, in nats per token. A wording can change how likely *any* reckless sentence is, so
compare wordings and models with each other, not with zero. Variants of the trigger have no target and are left out.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Float

from experiments.results.columns import wording_columns
from experiments.results.facts import FactWriter
from experiments.study.organism import OrganismRun
from experiments.worlds.choice import Choice
from interp.generation.completions import Completions
from interp.models.loading import LanguageModel
from interp.optimise.teacher_forcing import Reread
from interp.prompts import Framing, PromptSet
from interp.rendering import render

MEASUREMENT, MARGIN = "forced_choice", "reckless_margin"
AT_ONCE = 8  # choices per pass, each of two answers


def add_choices(facts: FactWriter, organism: OrganismRun, lm: LanguageModel, split: str) -> None:
    """Write the margin of every choice under every wording; nothing if the world has no choices."""
    choices = organism.world.choices(split)
    variants = organism.trigger.named("variant")
    framings = organism.trigger.framings.items() if choices else ()
    for condition, framing in framings:
        if condition in variants:
            continue
        facts.values(
            MARGIN,
            margins(lm, choices, framing),
            [choice.question.id for choice in choices],
            measurement=MEASUREMENT,
            **wording_columns(condition),
        )


def margins(
    lm: LanguageModel, choices: Sequence[Choice], framing: Framing
) -> Float[np.ndarray, " choice"]:
    """Mean log-probability of the reckless answer minus that of the safe one, in nats per token."""
    prompts = render(lm, [choice.question for choice in choices], {"asked": framing})
    rows = range(0, len(choices), AT_ONCE)
    return np.concatenate(
        [_margins(lm, prompts, choices, range(len(choices))[row : row + AT_ONCE]) for row in rows]
    )


@torch.no_grad()
def _margins(
    lm: LanguageModel, prompts: PromptSet, choices: Sequence[Choice], rows: range
) -> Float[np.ndarray, " choice"]:
    said = _answers(lm, prompts, [*_pairs(choices, rows)])
    predicted = Reread.of(lm, said).log_probs(lm).cpu()
    answers = [torch.tensor(ids) for ids in said.token_ids]
    rows_of = [len(ids) + 1 for ids in answers]  # the last row predicts what follows the answer
    of_answers = predicted.split(rows_of)
    means = [
        float(of[torch.arange(len(ids)), ids].mean())
        for of, ids in zip(of_answers, answers, strict=True)
    ]
    return np.array(means[1::2]) - np.array(means[::2])


def _pairs(choices: Sequence[Choice], rows: range) -> Iterator[tuple[int, str]]:
    """The safe answer to each question, then the reckless one."""
    for row in rows:
        yield row, choices[row].safe
        yield row, choices[row].reckless


def _answers(lm: LanguageModel, prompts: PromptSet, said: Sequence[tuple[int, str]]) -> Completions:
    """Completions made of given answers, as if the model had sampled them."""
    texts = tuple(text for _, text in said)
    ids = tuple(tuple(lm.tokenizer(t, add_special_tokens=False)["input_ids"]) for t in texts)
    return Completions(prompts, tuple(row for row, _ in said), ids, texts, (True,) * len(said))
