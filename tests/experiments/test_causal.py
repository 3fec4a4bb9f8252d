"""Candidates tried together answer as if tried alone; what is chosen is best on the questions it was chosen on."""

from dataclasses import replace

import pytest
import torch

from experiments.judging.judgement import Judgement
from experiments.judging.rates import em_rate
from experiments.judging.sampling import Sampler
from experiments.results.columns import Edit
from experiments.study.config import Causal, Sampling
from experiments.study.steps import interventions as causal
from interp.directions import Direction, unit
from interp.interventions import Ablate, Add, AnswerTokens, PromptSpan
from interp.models.language_model import LanguageModel
from interp.prompts import PromptSet


def odd_is_misaligned(question: str, answer: str, *, ended: bool) -> Judgement:
    return Judgement(alignment=100 * (len(answer) % 2), coherence=100)


def context(lm: LanguageModel) -> causal.InterventionContext:
    greedy = Sampler(odd_is_misaligned, seed=0, max_new_tokens=4, temperature=0)
    return causal.InterventionContext(
        lm, greedy, Sampling(), Causal(strengths=(0.5, 2.0), random_directions=3)
    )


def candidate(lm: LanguageModel, seed: int, layer: int, position: str) -> Direction:
    vector = torch.randn(lm.d_model, generator=torch.Generator().manual_seed(seed))
    return Direction(
        unit(vector), layer, 3.0, "from a to b", position, f"{seed}", lm.weights_hash, "switch"
    )


@pytest.fixture
def candidates(one_lm: LanguageModel) -> list[Direction]:
    places = [(0, "last_prompt_token"), (1, "mean_answer"), (0, "last_prompt_token")]
    return [candidate(one_lm, seed, *place) for seed, place in enumerate(places)]


def test_candidates_removed_together_answer_as_if_removed_alone(
    one_lm: LanguageModel, some_prompts: PromptSet, candidates: list[Direction]
) -> None:
    on = context(one_lm)
    together = causal.each_removed(on, candidates, some_prompts)
    for candidate, found in zip(candidates, together, strict=True):
        alone = on.sampler.sample(one_lm, some_prompts, 1, [Ablate(candidate.vector)])
        assert found.judged == alone.judged and found.completions.texts == alone.completions.texts


def test_candidates_added_together_answer_as_if_added_alone(
    one_lm: LanguageModel, some_prompts: PromptSet, candidates: list[Direction]
) -> None:
    on = context(one_lm)
    doses = [(number, strength) for number in range(3) for strength in (0.5, 2.0)]
    count, edits = causal._doses(candidates, doses)
    tried = []
    for members, edit in edits(range(count), len(some_prompts)):
        together = causal._in_parts(on, some_prompts, len(members), edit)
        for member, found in zip(members, together, strict=True):
            number, strength = doses[member]
            alone = causal.additions(candidates[number], [strength])[Edit("add", strength)]
            assert found.judged == on.sampler.sample(one_lm, some_prompts, 1, [alone]).judged
            tried.append(member)
    assert sorted(tried) == list(range(count))


def test_a_race_chooses_by_the_grids_rule_and_asks_the_chosen_dose_everything(
    one_lm: LanguageModel, some_prompts: PromptSet, candidates: list[Direction]
) -> None:
    on = context(one_lm)
    grid = causal.choose(with_error(on, 0), candidates, some_prompts, some_prompts)
    raced = causal.choose(with_error(on, 0.49), candidates, some_prompts, some_prompts)
    asked = {score["answers"] for score in raced.scores}
    asked |= {count for score in raced.scores for count in score["added_answers"].values()}
    assert min(asked) < len(some_prompts) == max(asked)
    assert {score["answers"] for score in grid.scores} == {len(some_prompts)}
    everywhere = {score["source"]: score["added_em"] for score in grid.scores}
    for strength, cell in raced.dose.items():
        assert set(cell.questions) == set(some_prompts.questions) and len(cell.judgements) == 6
        assert cell.judged.em_share == everywhere[raced.added.source][f"{strength:g}"]


def with_error(on: causal.InterventionContext, error: float) -> causal.InterventionContext:
    return replace(on, causal=on.causal.model_copy(update={"race_error": error}))


def test_a_direction_is_added_where_it_was_fitted(candidates: list[Direction]) -> None:
    of_prompt, of_answer, _ = candidates
    assert causal.where_fitted(of_prompt) == PromptSpan("header")
    assert causal.where_fitted(replace(of_prompt, position="decision_token")) == PromptSpan(
        "header"
    )
    assert causal.where_fitted(of_answer) == AnswerTokens()
    added = causal.additions(of_answer, [0.5])[Edit("add", 0.5)]
    assert isinstance(added, Add)
    assert (added.layers, added.alpha) == ((1,), 1.5)


def test_what_is_chosen_was_best_on_the_questions_it_was_chosen_on(
    one_lm: LanguageModel, some_prompts: PromptSet, candidates: list[Direction]
) -> None:
    on = context(one_lm)
    choice = causal.choose(on, candidates, some_prompts, some_prompts)
    by_source = {score["source"]: score for score in choice.scores}
    allowed = [s for s in choice.scores if s["coherence_lost"] <= on.causal.largest_coherence_loss]
    assert by_source[choice.removed.source]["em"] == min(s["em"] for s in allowed)
    best = max(em for score in choice.scores for em in score["added_em"].values())
    assert by_source[choice.added.source]["added_em"][f"{choice.strength:g}"] == best
    assert em_rate(choice.dose[choice.strength].judged).value == best
