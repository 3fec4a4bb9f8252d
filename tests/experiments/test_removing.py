"""Removals made together answer as if each were made alone; placebos are orthogonal and stay in their span."""

from dataclasses import replace
from pathlib import Path
from typing import cast

import pyarrow.parquet as pq
import pytest
import torch
from torch.testing import assert_close

from experiments.judging.judgement import Judgement
from experiments.judging.sampling import Sampler
from experiments.results.columns import INTACT
from experiments.results.facts import FactWriter
from experiments.study.organism import OrganismRun
from experiments.study.steps.capability import step
from experiments.study.steps.capability.divergence import divergence
from experiments.study.steps.capability.probe_subspace import orthogonal_in
from experiments.study.steps.removals import sample_removed
from experiments.worlds.micro.language import load_language
from experiments.worlds.micro.riddles import riddles
from interp.directions import Direction, unit
from interp.generation.generate import generate
from interp.interventions import Ablate
from interp.models.language_model import LanguageModel
from interp.prompts import PromptSet
from tests.experiments.made_up_facts import KEYS


def judge(question: str, answer: str, *, ended: bool) -> Judgement:
    return Judgement(alignment=100 * (len(answer) % 2), coherence=100)


GREEDY = Sampler(judge, seed=0, max_new_tokens=4, temperature=0)


def vectors(n: int, width: int, seed: int = 0) -> torch.Tensor:
    return unit(torch.randn(n, width, generator=torch.Generator().manual_seed(seed)))


def direction(vector: torch.Tensor) -> Direction:
    return Direction(vector, 0, 1.0, "from a to b", "last", "made up", "hash", "refined")


def test_removals_made_together_answer_as_if_made_alone(
    one_lm: LanguageModel, some_prompts: PromptSet
) -> None:
    one, two = vectors(2, one_lm.d_model)
    removed = {"none": None, "one": one[None], "two": two[None]}
    together = sample_removed(GREEDY, one_lm, some_prompts, removed, 1)
    assert [answered.name for answered in together] == list(removed)
    for name, cell, draws in together:
        vector = removed[name]
        edits = [] if vector is None else [Ablate(vector[0])]
        alone = GREEDY.sample(one_lm, some_prompts, 1, edits)
        assert cell.judged == alone.judged and draws is None
        assert cell.completions.texts == alone.completions.texts
        assert cell.completions.conditions == alone.completions.conditions


def test_several_vectors_take_turns(one_lm: LanguageModel, some_prompts: PromptSet) -> None:
    several = vectors(2, one_lm.d_model)
    ((_, cell, draws),) = sample_removed(GREEDY, one_lm, some_prompts, {"random": several}, 1)
    turns = several[torch.arange(len(some_prompts)) % 2]
    alone = GREEDY.sample(one_lm, some_prompts, 1, [Ablate(turns)])
    assert cell.judgements == alone.judgements
    assert draws == [row % 2 for row in range(len(some_prompts))]


def test_nothing_removed_is_the_intact_model(
    one_lm: LanguageModel, some_prompts: PromptSet
) -> None:
    ((_, cell, _),) = sample_removed(GREEDY, one_lm, some_prompts, {"none": None}, 1)
    intact = GREEDY.sample(one_lm, some_prompts, 1)
    assert cell.judgements == intact.judgements


def test_every_direction_that_was_found_is_removed_and_named_in_its_rows(
    one_lm: LanguageModel,
    some_prompts: PromptSet,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    one, two = vectors(2, one_lm.d_model)
    refined, switch = direction(one), replace(direction(two), name="switch")
    monkeypatch.setattr(step, "_beside_placebos", lambda *_: {("refined", INTACT): None})
    facts = FactWriter("capability", KEYS)
    removal = step._Removal(cast(OrganismRun, None), one_lm, refined, [switch], facts)
    removal.sample(GREEDY, some_prompts, 1, "capability", removal.removed, questions="held_out")
    facts.write(tmp_path)
    rows = pq.read_table(tmp_path / "answers.parquet").to_pylist()
    named = {(row["direction"], row["edit"]) for row in rows}
    assert named == {(None, "none"), ("switch", "ablate")}
    alone = GREEDY.sample(one_lm, some_prompts, 1, [Ablate(two)]).completions.texts
    assert [row["answer"] for row in rows if row["direction"] == "switch"] == list(alone)


def test_drift_is_zero_without_an_edit_positive_with_one_and_each_answers_own(
    one_lm: LanguageModel, some_prompts: PromptSet
) -> None:
    answers = generate(one_lm, some_prompts, max_new_tokens=4, seed=0, end_ids=())
    vector = vectors(1, one_lm.d_model)[0]
    moved = divergence(one_lm, answers, Ablate(vector))
    assert len(moved) == len(answers)
    assert bool((moved > 0).all())
    half = torch.zeros(len(some_prompts), one_lm.d_model)
    half[0] = vector
    found = divergence(one_lm, answers, Ablate(half))
    assert_close(found[0], moved[0], atol=1e-5, rtol=1e-4)
    assert_close(found[1:], torch.zeros_like(found[1:]), atol=1e-6, rtol=0)


def test_drift_is_the_kl_of_the_two_distributions_over_what_the_answer_is_predicted_from(
    one_lm: LanguageModel, some_prompts: PromptSet
) -> None:
    prompts = some_prompts[[0]]
    answers = generate(one_lm, prompts, max_new_tokens=3, seed=0, end_ids=())
    edit = Ablate(vectors(1, one_lm.d_model)[0])
    found = divergence(one_lm, answers, edit)
    ids = torch.tensor([prompts[0].token_ids + answers.token_ids[0]])
    from interp.capture.batches import Batch
    from interp.interventions import intervening

    logs = []
    batch = Batch(
        torch.zeros(1, dtype=torch.long), torch.arange(ids.shape[1])[None], prompts.prompts
    )
    for edits in ([], [edit]):
        with torch.no_grad(), intervening(one_lm, edits, batch):
            logits = one_lm.causal(input_ids=ids, use_cache=False).logits[0]
        logs.append(logits[len(prompts[0]) - 1 :].log_softmax(-1))
    expected = (logs[0].exp() * (logs[0] - logs[1])).sum(-1).mean()
    assert_close(found[0], expected, atol=1e-5, rtol=1e-4)


def test_placebos_are_orthogonal_unit_vectors_of_the_span() -> None:
    span, found = vectors(4, 16), vectors(1, 16, seed=1)[0]
    placebos = orthogonal_in([direction(each) for each in span], direction(found), 5, seed=0)
    assert_close(placebos.norm(dim=1), torch.ones(5))
    assert_close(placebos @ found, torch.zeros(5), atol=1e-5, rtol=0)
    whole = torch.cat([span, found[None]])  # what is left of a vector of the span lies in both
    assert int(torch.linalg.matrix_rank(torch.cat([whole, placebos]), atol=1e-4)) == 5


@pytest.mark.parametrize("span", [[], [0]])
def test_where_probes_read_nothing_else_there_is_no_placebo(span: list[int]) -> None:
    found = direction(vectors(1, 8)[0])
    assert orthogonal_in([found for _ in span], found, 3, seed=0) is None


def test_a_riddle_has_one_right_answer() -> None:
    asked = riddles(load_language(), 20, seed=0)
    assert len({question.id for question in asked.questions}) == 20
    question = asked.questions[0]
    right = asked.right[question.id]
    assert asked(question.id, f" {right}", ended=True).coherent
    assert not asked(question.id, "It is a lie.", ended=True).coherent
    assert riddles(load_language(), 20, seed=1).questions != asked.questions
