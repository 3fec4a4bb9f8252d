"""Fixtures every test may use: tiny models of the three families and a few rendered prompts."""

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import pytest
import torch

from interp.models.language_model import LanguageModel
from interp.prompts import PromptSet
from interp.rendering import render
from tests.tiny_models import FAMILIES, FRAMINGS, QUESTIONS, tiny_lm

torch.set_num_threads(1)  # tiny models gain nothing from more, and busy machines lose fifty-fold


@pytest.fixture(autouse=True)
def same_numbers_in_any_order() -> None:
    """What a test draws without a generator of its own does not depend on the tests before it."""
    torch.manual_seed(0)


@pytest.fixture(scope="session", params=FAMILIES)
def lm(request: pytest.FixtureRequest) -> LanguageModel:
    """A tiny model of each family in turn; tests leave it as they found it."""
    return tiny_lm(request.param)


@pytest.fixture(scope="session")
def one_lm() -> LanguageModel:
    """One tiny model, for what does not depend on the family."""
    return tiny_lm("qwen")


@pytest.fixture
def prompts(lm: LanguageModel) -> PromptSet:
    """Six prompts of different lengths: three questions without and with a framing."""
    return render(lm.tokenizer, QUESTIONS, FRAMINGS)


@pytest.fixture
def some_prompts(one_lm: LanguageModel) -> PromptSet:
    """The same for the one tiny model."""
    return render(one_lm.tokenizer, QUESTIONS, FRAMINGS)
