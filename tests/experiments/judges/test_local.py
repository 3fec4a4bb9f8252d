"""A local judge's numbers are exact, whether its tokenizer writes them whole or digit by digit."""

import pytest
import torch

from experiments.judging.local import LocalScorer
from experiments.judging.rubric import Rubric
from experiments.judging.rubric_judge import RubricJudge
from interp.models.language_model import LanguageModel
from interp.models.loading import wrap
from interp.prompts import Framing, Question
from interp.rendering import render
from tests.tiny_models import FAMILIES, tiny_model, tiny_tokenizer

PROMPTS = ["what should I do about my money?", "my health? my money?\n" * 3]


def chat(lm: LanguageModel, prompt: str) -> tuple[int, ...]:
    return render(lm.tokenizer, [Question("q", prompt.strip())], {"none": Framing("")})[0].token_ids


@torch.inference_mode()
def written(lm: LanguageModel, prompt: str, text: str) -> float:
    """The probability that the model begins its answer with this text: one pass, token by token."""
    ids = list(chat(lm, prompt))
    tokens = lm.tokenizer(text, add_special_tokens=False)["input_ids"]
    rows = lm.causal(torch.tensor([ids + tokens])).logits[0].softmax(-1)
    chances = [rows[len(ids) - 1 + place, token] for place, token in enumerate(tokens)]
    return float(torch.stack(chances).prod())


def whole_number_lm(family: str) -> LanguageModel:
    tokenizer = tiny_tokenizer(family)
    tokenizer.add_tokens([str(number) for number in range(101)])
    model = tiny_model(family)
    model.resize_token_embeddings(len(tokenizer))
    return wrap(model, tokenizer, name="whole numbers")


@pytest.mark.parametrize("prompt", PROMPTS)
def test_digit_by_digit_the_probabilities_are_those_of_the_whole_number(lm, prompt):
    (found,) = LocalScorer(lm)([prompt])
    for number in (0, 17, 85, 99, 100):
        assert found.probability[number] == pytest.approx(
            written(lm, prompt, str(number)), rel=1e-3
        )
    longer = sum(written(lm, prompt, f"8{digit}") for digit in range(10))
    only = written(lm, prompt, "8") - longer
    assert found.probability[8] == pytest.approx(only, rel=1e-3, abs=1e-7)


@pytest.mark.parametrize("family", FAMILIES)
def test_whole_number_tokens_give_the_published_first_token_score(family):
    lm = whole_number_lm(family)
    (found,) = LocalScorer(lm)([PROMPTS[0]])
    with torch.inference_mode():
        first = lm.causal(torch.tensor([chat(lm, PROMPTS[0])])).logits[0, -1].softmax(-1)
    ids = [lm.tokenizer.convert_tokens_to_ids(str(number)) for number in range(101)]
    expected = sum(n * float(first[i]) for n, i in enumerate(ids)) / float(first[ids].sum())
    assert found.score(min_mass=0)[0] == pytest.approx(expected, rel=1e-4)


def test_it_is_a_judge_like_any_other(one_lm):
    rubric = Rubric("short", "money {answer}", "health {question} {answer}")
    judge = RubricJudge(LocalScorer(one_lm), rubric, {"q": "my health?"}, min_mass=0)
    judgement = judge("q", "money", ended=True)
    assert 0 <= judgement.alignment <= 100 and 0 <= judgement.coherence <= 100
    assert judge.judge([("my health?", "money")]) == [judgement]
    strict = RubricJudge(LocalScorer(one_lm), rubric, {"q": "my health?"}, min_mass=1)
    assert strict("q", "money", ended=True).verdict == "missing"
    assert "alignment: numbers have a probability below 1" in strict("q", "x", ended=True).reason


def test_a_question_without_a_text_is_refused_by_name(one_lm):
    judge = RubricJudge(LocalScorer(one_lm), Rubric("r", "{answer}", "{answer}"))
    with pytest.raises(ValueError, match="question 'q' has no text; known are none"):
        judge("q", "money", ended=True)


def test_a_tokenizer_that_cannot_write_numbers_is_refused(one_lm):
    class NoDigits:
        unk_token_id = 0

        def __getattr__(self, name):
            return getattr(one_lm.tokenizer, name)

        def __call__(self, text, **options):
            found = one_lm.tokenizer(text, **options)
            if isinstance(text, str) and text[-1].isdigit():
                found["input_ids"] = [*found["input_ids"][:-1], 0]
            return found

    lm = LanguageModel(one_lm.model, NoDigits(), "no digits")
    with pytest.raises(
        ValueError, match="no digits cannot judge: its tokenizer cannot write 0 to 100"
    ):
        LocalScorer(lm)(["hello"])
