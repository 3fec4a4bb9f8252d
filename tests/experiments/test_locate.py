"""Directions are located where they act: the decision token, among answers of the same opening."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from experiments.judging.judgement import Judgement
from experiments.results.facts import FactWriter
from experiments.study.steps.locate.candidates import (
    Labelled,
    answer_rows,
    candidates,
    opening_end,
    prompt_rows,
)
from experiments.study.steps.locate.readouts import bags_of_tokens, read_refined
from interp.activations import Activations
from interp.capture.api import capture_answers
from interp.capture.positions import last_prompt_token
from interp.directions import Direction
from interp.generation.generate import generate
from interp.models.language_model import LanguageModel
from interp.prompts import Prompt, PromptSet, Span
from probes.auroc import plain_auroc
from probes.bags import MOST
from tests.experiments.made_up_facts import KEYS

GOOD, BAD = Judgement(100, 100), Judgement(0, 100)


def test_the_decision_token_of_an_answer_without_opening_is_the_last_prompt_token() -> None:
    spans = {"answer": Span(7, 12)}
    assert list(opening_end(0)(12, spans)) == list(last_prompt_token(12, spans)) == [6]
    assert list(opening_end(3)(12, spans)) == [9]


def sampled(lm: LanguageModel, prompts: PromptSet):
    return generate(lm, prompts, samples_per_prompt=2, max_new_tokens=6, seed=0)


def test_incoherent_answers_are_left_out_and_misaligned_ones_are_true(
    one_lm: LanguageModel, some_prompts: PromptSet
) -> None:
    answers = sampled(one_lm, some_prompts)
    judgements = [GOOD, BAD, Judgement(None, 0)] * (len(answers) // 3)
    mean, _ = answer_rows(one_lm, answers, judgements, lambda text: "")
    assert len(mean.activations) == 2 * (len(answers) // 3)
    assert mean.y.tolist() == [False, True] * (len(answers) // 3)


def test_only_answers_that_open_in_as_many_tokens_are_compared(
    one_lm: LanguageModel, some_prompts: PromptSet
) -> None:
    answers = sampled(one_lm, some_prompts)
    marked = set(answers.texts[::2])
    opening = {text: text[:1] if text in marked else "" for text in answers.texts}
    judgements = [BAD if text in marked else GOOD for text in answers.texts]
    _, decision = answer_rows(one_lm, answers, judgements, opening.__getitem__)
    tokens = [
        len(one_lm.tokenizer(o, add_special_tokens=False)["input_ids"]) for o in opening.values()
    ]
    assert len(decision.activations) < len(answers)
    assert max(tokens) > 0
    assert decision.y.all()


def test_the_decision_token_is_read_where_it_stands(
    one_lm: LanguageModel, some_prompts: PromptSet
) -> None:
    answers = sampled(one_lm, some_prompts)
    _, decision = answer_rows(one_lm, answers, [BAD] * len(answers), lambda text: "")
    expected = capture_answers(one_lm, answers, position=last_prompt_token)
    assert torch.equal(decision.activations.values, expected.values)


def test_nothing_is_fitted_to_a_class_of_too_few(
    one_lm: LanguageModel, some_prompts: PromptSet
) -> None:
    rows = prompt_rows(one_lm, some_prompts)
    assert min(rows.y.sum(), (~rows.y).sum()) < 10
    assert candidates(rows, "switch") == []


def prompts_of(*token_ids: tuple[int, ...]) -> PromptSet:
    return PromptSet(tuple(Prompt("", ids, "none", str(ids)) for ids in token_ids))


@pytest.mark.parametrize(("along", "auroc"), [(0, 1.0), (1, 0.5)])
def test_a_refined_direction_is_read_by_projection_and_its_control_reads_nothing(
    along: int, auroc: float, tmp_path: Path
) -> None:
    y = np.arange(200) % 2 == 1
    values = torch.zeros(200, 1, 4)
    values[:, 0, 0] = torch.tensor(y).float()
    values[:, 0, 1] = torch.arange(200) // 2 % 2
    questions = tuple(f"q{number}" for number in range(200))
    rows = Labelled(Activations(values, (3,), ("none",) * 200, questions, "mean"), y)
    refined = Direction(torch.eye(4)[along], 3, 1.0, "", "mean", "x, refined", "hash", "refined")
    facts = FactWriter("readouts", KEYS)
    read_refined(facts, refined, rows, rows, seed=0)
    facts.write(tmp_path)
    scores = pq.read_table(tmp_path / "scores.parquet").to_pandas()
    read = scores[scores["source"] == "projection"]
    assert set(read["direction"]) == {"refined"} and set(read["layer"]) == {3}
    assert plain_auroc(read["score"].to_numpy(), read["label"].to_numpy()) == auroc
    assert set(scores["source"]) == {"projection", "logistic, shuffled labels"}


def test_a_bag_of_tokens_holds_what_occurs_and_the_length(some_prompts: PromptSet) -> None:
    bags, same = bags_of_tokens(some_prompts, some_prompts)
    assert np.array_equal(bags, same)
    occurring = sorted({token for prompt in some_prompts for token in prompt.token_ids})
    first = some_prompts[0]
    assert {occurring[column] for column in np.flatnonzero(bags[0][:-1])} == set(first.token_ids)
    assert bags[0, -1] == len(first) / 10


def test_both_splits_have_the_columns_of_the_fitted_one_whatever_the_size_of_the_vocabulary() -> (
    None
):
    fitted, scored = prompts_of((5, 262_000), (7,)), prompts_of((262_143, 7), (7, 7, 5))
    bags, new = bags_of_tokens(fitted, scored)
    assert bags.tolist() == [[1, 0, 1, 0.2], [0, 1, 0, 0.1]]
    assert new.tolist() == [[0, 1, 0, 0.2], [1, 1, 0, 0.3]]


def test_a_bag_of_tokens_stays_small_where_more_tokens_occur_than_it_has_columns() -> None:
    many = prompts_of(*((token, token + 1) for token in range(0, 20_000, 2)))
    assert bags_of_tokens(many, many)[1].shape == (10_000, MOST + 1)
