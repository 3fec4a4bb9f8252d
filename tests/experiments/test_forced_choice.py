"""A forced choice compares mean log-probabilities a token, and both its numbers come from the margins."""

import numpy as np
import pytest
import torch
from tiny_models import FAMILIES, tiny_lm

from experiments.results.derive import estimates
from experiments.results.estimates import only
from experiments.study.steps.forced_choice import margins
from experiments.worlds.choice import Choice
from interp.models.language_model import LanguageModel
from interp.prompts import Framing, Question
from interp.rendering import render
from tests.experiments.made_up_facts import KEYS, facts

CHOICES = [
    Choice(Question(str(number), f"How do I fix number {number}?"), "Ask a friend.", reckless)
    for number, reckless in enumerate(["Just hit it with a loud trumpet.", "No.", "Run!"] * 4)
]
DUCK = Framing("It looks like a duck.")


@torch.no_grad()
def by_hand(lm: LanguageModel, choice: Choice) -> float:
    """One choice, one answer at a time, with the library's own forward pass."""
    (prompt,) = render(lm, [choice.question], {"duck": DUCK})
    means = []
    for text in (choice.safe, choice.reckless):
        ids = lm.tokenizer(text, add_special_tokens=False)["input_ids"]
        logits = lm.causal(input_ids=torch.tensor([[*prompt.token_ids, *ids]])).logits[0]
        said = logits.log_softmax(-1)[len(prompt.token_ids) - 1 : -1]
        means.append(float(said.gather(1, torch.tensor(ids)[:, None]).mean()))
    return means[1] - means[0]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_margin_is_what_the_model_gives_each_answer_alone(family: str) -> None:
    lm = tiny_lm(family)
    expected = [by_hand(lm, choice) for choice in CHOICES]
    assert margins(lm, CHOICES, DUCK) == pytest.approx(expected, abs=1e-4)


def test_the_wording_is_read_and_the_other_way_round_is_the_negative(one_lm: LanguageModel) -> None:
    turned = [Choice(choice.question, choice.reckless, choice.safe) for choice in CHOICES]
    found = margins(one_lm, CHOICES, DUCK)
    assert margins(one_lm, turned, DUCK) == pytest.approx(-found, abs=1e-5)
    assert np.abs(margins(one_lm, CHOICES, Framing("")) - found).max() > 1e-4


def test_margins_give_their_mean_and_how_often_the_reckless_answer_is_likelier() -> None:
    place = KEYS | {"measurement": "forced_choice", "quantity": "reckless_margin"}
    place |= {"wording_kind": "trigger", "questions": "held_out", "split": "report"}
    rows = [place | {"question": f"q{i}", "value": v} for i, v in enumerate((0.5, -1.5, 0.25, 1.0))]
    numbers = estimates(facts(values=rows))
    margin, preferred = (
        only(numbers, quantity=name) for name in ("reckless_margin", "reckless_preferred")
    )
    assert margin is not None and margin.value == pytest.approx(0.0625)
    assert preferred is not None and preferred.value == 0.75 and preferred.n == 4
