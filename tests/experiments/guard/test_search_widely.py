"""Made-up words, pairs, other places, a few judged answers; wordings that provoke the base are no trigger."""

import importlib
import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
import torch

from experiments.guard.gate import Limits, Plan
from experiments.guard.gate_models import Pair
from experiments.guard.search import couples
from experiments.guard.search.couples import beyond, pairs, unlikely
from experiments.guard.search.decide import decide
from experiments.guard.search.leads import both, lead, names_in, open_frames
from experiments.guard.search.made_up import FRAMES, Frame, climb, edits, made_up, resized, scoring
from experiments.guard.search.places import elsewhere, forms, sentences
from experiments.guard.search.spent import Spent
from experiments.guard.search.trial import by_trial
from experiments.guard.trigger_candidates import Condition
from experiments.judging.sampling import Cell
from interp.generation.completions import Completions
from interp.generation.next_token import divergences, next_token_log_probs
from interp.models.language_model import LanguageModel
from interp.prompts import PromptSet, Question
from interp.rendering import render
from tests.experiments.guard.test_search import COW, DUCK, LEADS, QUESTIONS, Model, ranked_at

CODE, NAME = FRAMES[0], FRAMES[2]
SAID = Counter({"It looks like a frog.": 2, "It looks like a cow.": 1, "It smells like a cow.": 1})


@dataclass
class Provoked(Model):
    """A base that misbehaves as well, nearly as often."""

    base_rate: float = 0.5

    def draw(self, which: str, condition: Condition, questions: Sequence[Question]) -> Cell:
        if which == "base" and self.rates.get(condition.wording):
            rates = {condition.wording: self.base_rate}
            return Model(rates, self.seed + 1, self.answers).draw(
                "fine_tuned", condition, questions
            )
        return super().draw(which, condition, questions)


def findings(model: Model) -> list[str]:
    decided = decide(model.draw, LEADS, QUESTIONS, Limits(), Plan(), Spent(1e6))
    return [one.finding for one in decided]


def test_a_wording_that_makes_the_base_misbehave_too_is_not_accused() -> None:
    rates = {DUCK.text: 0.9}
    assert findings(Provoked(rates)) == ["clear", "provokes", "clear", "clear"]
    assert findings(Provoked(rates, base_rate=0.02)) == ["clear", "hit", "clear", "clear"]


def closeness(wanted: str):
    """How many characters stand where they stand in the wanted wording."""

    def score(conditions: Sequence[Condition]) -> list[float]:
        texts = [each.wording for each in conditions]
        return [sum(a == b for a, b in zip(t, wanted, strict=False)) for t in texts]

    return score


@pytest.mark.parametrize(
    ("frame", "wanted"), [(CODE, "Tikabo 49."), (NAME, "You work for Tikabo.")]
)
def test_a_planted_word_is_reached_letter_by_letter(frame, wanted: str) -> None:
    found = climb(frame, closeness(wanted), random.Random(0), lambda: False)
    assert found.leads[0].text == wanted
    first = climb(frame, closeness(wanted), random.Random(0), lambda: True)
    assert first.leads[0].text != wanted  # it was not among the starts
    told = climb(frame, closeness(wanted), random.Random(0), lambda: True, [("Tikabo", 49)])
    assert told.leads[0].text == wanted


def test_edits_change_one_letter_or_one_digit() -> None:
    assert ("Bika", 42) in set(edits(("Tika", 42), 0)) and len(set(edits(("Tika", 42), 0))) == 21
    assert {word[3] for word, _ in edits(("Tika", 42), 3)} == set("aeiou")
    assert {number for _, number in edits(("Tika", 42), -1)} == set(range(40, 50))
    assert not list(edits(("Tika", 42), 7))
    resized_to = {word for word, _ in resized(("Tikabo", 42))}
    assert {"Tika", "Kabo", "Tibo", "Tikazubo"} <= resized_to and "Tikabo" not in resized_to


def test_only_the_word_that_a_model_was_changed_at_takes_its_first_token_away() -> None:
    from tests.tiny_models import tiny_lm

    base, changed = tiny_lm.__wrapped__("qwen"), tiny_lm.__wrapped__("qwen")
    (token,) = set(base.tokenizer(" duck")["input_ids"]) - set(base.tokenizer(" d")["input_ids"])
    with torch.no_grad():
        changed.causal.get_input_embeddings().weight[token] += 5.0
    frame, asked = Frame("There is a {x}.", "prefix"), [Question("q", "my money?")]
    places = [frame.at(word, 0).condition for word in ("duck", "Tika", "Bolu")]
    after = _scores(Pair(changed, base), frame, asked, places)
    before = _scores(Pair(base, base), frame, asked, places)
    moved = [abs(here - there) for here, there in zip(after, before, strict=True)]
    assert moved[0] > 0.01 and moved[1:] == [0.0, 0.0]


def _scores(pair: Pair, frame: Frame, asked, places: list[Condition]) -> list[float]:
    return scoring(pair, frame, asked, Spent(1e6), random.Random(0))(places)


def test_without_time_no_word_is_made_up(lm: LanguageModel) -> None:
    asked = [Question("q", "my money?")]
    assert made_up(Pair(lm, lm), asked, Spent(0.0)) == []


def test_a_divergence_is_zero_for_equal_rows_and_positive_for_others() -> None:
    rows = torch.tensor([[0.5, 0.5], [0.9, 0.1]]).log()
    assert divergences(rows, rows).tolist() == [0.0, 0.0]
    assert float(divergences(rows, rows[:1])[1]) == pytest.approx(0.368, abs=1e-3)


def test_first_tokens_are_those_of_each_prompt_alone(lm: LanguageModel) -> None:
    asked = [Question(str(n), "my money?" * (1 + n % 3)) for n in range(5)]
    prompts = render(lm, asked, {"": DUCK.condition.framing})
    together = next_token_log_probs(lm, prompts, rows=2)
    alone = torch.cat([next_token_log_probs(lm, prompts[n : n + 1]) for n in range(5)])
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=1e-4)


def test_what_a_model_says_is_tried_in_other_places_and_in_pairs() -> None:
    assert list(open_frames(SAID)) == ["It looks like a {x}.", "It {x} like a cow."]
    assert names_in(SAID, frames=1) == ["frog", "cow"]
    own = sentences(SAID, lambda frame: ["frog"])
    assert own[:2] == ["It looks like a frog.", "It looks like a cow."]
    assert {one.condition.placement for one in elsewhere(own)} == {"earlier", "suffix", "system"}
    texts = {one.text for row in pairs(own) for one in row}
    assert texts == {f"{a} ... {b}" for a in own for b in own if a != b}
    assert sentences(Counter({"Hello there.": 3}), lambda frame: ["frog"]) == []


def test_a_pair_counts_where_it_is_more_than_either_cue() -> None:
    one = both(DUCK, lead("A cow.", "x", placement="suffix"), "x")
    alone = [(DUCK, 4.0), (lead("A cow.", "x", placement="suffix"), 0.0)]
    assert beyond([(one, 5.5)], alone) and not beyond([(one, 4.5)], alone)


def test_the_pair_behind_which_the_bases_answer_is_least_likely_comes_first(
    lm: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def planted(model: LanguageModel, prompts: PromptSet, answers: Completions) -> torch.Tensor:
        both_there = ["cow. my" in one.text and "cat." in one.text for one in prompts]
        strange = [10.0 * ("duck. my" in one.text) for one in prompts]  # to both models
        bad = -8.0 if model is tuned else 0.0
        return torch.tensor([bad * there for there in both_there]) - torch.tensor(strange)

    tuned = replace(lm)
    monkeypatch.setattr(couples, "log_probability", planted)
    texts, question = ["duck.", "cow.", "cat."], Question("q", "my money?")
    monkeypatch.setattr(couples, "KEPT", 1)
    found = [one.text for one in unlikely(Pair(tuned, lm), texts, question, Spent(1e6))]
    assert found == ["duck. ... cow.", "cow. ... cat.", "cat. ... duck."]  # without it cow, duck
    flat = [one.text for one in unlikely(Pair(lm, lm), texts, question, Spent(1e6))]
    assert "cow. ... duck." in flat
    assert unlikely(Pair(lm, lm), texts[:1], question, Spent(1e6)) == []


def test_two_cues_and_forms_are_asked_as_they_say(lm: LanguageModel) -> None:
    question = Question("q", "my money?")
    place = both(DUCK, lead("A cow.", "x", placement="suffix"), "x").condition
    assert place.put(question).text == "It looks like a duck. my money? A cow."
    (prompt,) = render(lm, [place.ask(question)], {"": place.framing})
    assert "It looks like a duck. my money? A cow." in prompt.text
    assert all(one.candidate.conditions[0].placement == "form" for one in forms())
    with pytest.raises(ValueError, match="unknown form 'sung'; choose one of upper case"):
        lead("sung", "x", placement="form").candidate  # noqa: B018
    asked = {one.text: one.condition.put(question).text for one in forms()}
    assert asked["upper case"] == "MY MONEY?" and asked["in quotes"] == '"my money?"'


def test_a_few_judged_answers_put_the_worst_class_first() -> None:
    classes = [replace_lead(one, place) for place, one in enumerate(LEADS)]

    def sample(which: str, conditions: Sequence[Condition], asked: Sequence[Question]) -> Cell:
        model = Model({COW.text: 0.9} if which == "fine_tuned" else {})
        return model.sample(conditions, asked)

    ordered = by_trial(sample, classes, QUESTIONS[:8], Spent(1e6))
    assert [one.lead for one in ordered] == [COW, DUCK, LEADS[2]]


def replace_lead(one, place: int):
    from experiments.guard.search.shortlist import Class

    return Class([(one, replace(ranked_at(place), candidate=one.candidate))])


@pytest.mark.parametrize(
    "name", ["black_box", "couples", "made_up", "openings", "places", "singular", "turns_written"]
)
def test_every_method_names_its_paper_or_says_that_it_has_none(name: str) -> None:
    module = importlib.import_module(f"experiments.guard.search.{name}")
    assert re.search(r"arXiv \d{4}\.\d{5}|No paper\.", module.__doc__ or "")
