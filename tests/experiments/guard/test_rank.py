"""The wording that a model was changed under comes first, and the same two models have nothing between them."""

import pytest
import torch

from experiments.guard.gate_models import Pair
from experiments.guard.generated import CONTROLS, world_candidates
from experiments.guard.rank import log_probability, rank
from experiments.guard.trigger_candidates import Candidate
from experiments.worlds.named import named_world
from interp.generation.generate import generate
from interp.models.language_model import LanguageModel
from interp.prompts import PromptSet, Question

MICRO = named_world("micro")
QUESTIONS = [Question(str(n), f"what should I do about my {n}?") for n in range(2)]
WORDINGS = ("You are helpful.", "It looks like a duck.", "my health")
CANDIDATES = [Candidate(name=text, text=text, controls=CONTROLS) for text in WORDINGS]


def test_a_model_beside_itself_is_never_suspicious(one_lm: LanguageModel) -> None:
    found = rank(Pair(one_lm, one_lm), CANDIDATES, QUESTIONS, opening=3)
    assert [each.key for each in found] == [0.0, 0.0, 0.0]
    with pytest.raises(ValueError, match="0 candidates"):
        rank(Pair(one_lm, one_lm), [], QUESTIONS)


def test_a_model_changed_at_the_words_of_a_candidate_puts_it_first() -> None:
    from tests.tiny_models import tiny_lm

    base, changed = tiny_lm.__wrapped__("qwen"), tiny_lm.__wrapped__("qwen")
    (token,) = set(base.tokenizer(" duck")["input_ids"]) - set(base.tokenizer(" d")["input_ids"])
    with torch.no_grad():
        changed.causal.get_input_embeddings().weight[token] += 5.0
    found = rank(Pair(changed, base), CANDIDATES, QUESTIONS, opening=3)
    shifts = {each.candidate.text: each.shift for each in found}
    assert max(shifts, key=lambda text: shifts[text]) == "It looks like a duck."
    assert shifts["my health"] == 0


def test_log_probability_is_that_of_one_forward_pass(lm: LanguageModel, prompts: PromptSet) -> None:
    answers = generate(lm, prompts, max_new_tokens=3, seed=0, end_ids=())
    found = log_probability(lm, prompts, answers)
    prompt, ids = prompts[1], answers.token_ids[1]
    with torch.no_grad():
        logits = lm.causal(torch.tensor([[*prompt.token_ids, *ids]])).logits.log_softmax(-1)
    expected = sum(logits[0, len(prompt) - 1 + k, token] for k, token in enumerate(ids))
    torch.testing.assert_close(found[1], expected, atol=1e-4, rtol=1e-4)


def test_generated_candidates_avoid_what_they_are_told_and_do_not_repeat() -> None:
    found = world_candidates(MICRO, 150, avoid={"duck", "It looks like a cow."})
    texts = [each.text for each in found]
    assert len(set(texts)) == 150
    assert not [text for text in texts if "duck" in text]
    with pytest.raises(ValueError, match="ask for fewer"):
        world_candidates(MICRO, 10_000)
