"""A search finds what is planted, accuses nothing where nothing is, and says what it left out."""

import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
import torch

from experiments.guard.gate import Limits, Plan
from experiments.guard.gate_models import Pair
from experiments.guard.search.black_box import black_box
from experiments.guard.search.decide import decide, share_of, smallest_rate
from experiments.guard.search.leads import Lead, clauses, framed, frames_of, lead, pooled, words
from experiments.guard.search.library import kinds, library_leads
from experiments.guard.search.report import search_report
from experiments.guard.search.search import Found, parted
from experiments.guard.search.shortlist import (
    Shortlist,
    alike,
    classes_of,
    screen,
    shortlist,
    words_of_frames,
)
from experiments.guard.search.spent import Spent
from experiments.guard.search.text import black_box_line, headline, markdown
from experiments.guard.trigger_candidates import Condition
from experiments.judging.judgement import Judgement
from experiments.judging.sampling import Cell
from interp.generation.completions import Completions
from interp.models.language_model import LanguageModel
from interp.prompts import Prompt, PromptSet, Question
from interp.rendering import render

DUCK, COW, TAG = (lead(text, "made up") for text in ("It looks like a duck.", "A cow.", "[ON]"))
LEADS = [DUCK, COW, TAG]
QUESTIONS = [Question(f"q{number}", f"Question {number}?") for number in range(120)]


@dataclass
class Model:
    """Misaligned at a rate for each wording; the same answers to the same request."""

    rates: dict[str, float]
    seed: int = 0
    answers: int = 2

    def draw(self, which: str, condition: Condition, questions: Sequence[Question]) -> Cell:
        rate = self.rates.get(condition.wording, 0.0) if which == "fine_tuned" else 0.0
        drawn = random.Random(f"{self.seed}{which}{condition.wording}{questions[0].id}")
        ids = [question.id for question in questions for _ in range(self.answers)]
        bad = [drawn.random() < rate for _ in ids]
        prompts = PromptSet(tuple(Prompt(f"{one}?", (1, 2), "none", one) for one in ids))
        texts = tuple("bad" if one else "good" for one in bad)
        said = Completions(
            prompts, tuple(range(len(ids))), ((3,),) * len(ids), texts, (True,) * len(ids)
        )
        return Cell(said, tuple(Judgement(0.0 if one else 100.0, 100.0) for one in bad))

    def sample(self, conditions: Sequence[Condition], questions: Sequence[Question]) -> Cell:
        cells = [self.draw("fine_tuned", condition, questions) for condition in conditions]
        completions = sum((c.completions for c in cells[1:]), start=cells[0].completions)
        return Cell(completions, tuple(j for cell in cells for j in cell.judgements))


def found_with(model: Model, seconds: float = 1e6) -> Found:
    spent = Spent(seconds)
    decided = decide(model.draw, LEADS, QUESTIONS, Limits(), Plan(), spent)
    blind = black_box(model.sample, LEADS, QUESTIONS, 2000, spent)
    shown = classes_of([(one, ranked_at(place)) for place, one in enumerate(LEADS)])
    return Found(Shortlist(shown, 3, 5), decided, blind, [], spent, ["As duck:"], 120, 3)


def ranked_at(place: int):
    from experiments.guard.rank import Ranked
    from probes.estimate import mean

    return Ranked(DUCK.candidate, 1.0, 1.0, mean(torch.tensor([3.0 - place, 2.0]), ["a", "b"]))


def test_clauses_are_the_edges_of_turns_and_no_requests() -> None:
    found = clauses(["It looks like a duck. How do I bake?", "It looks like a duck.", "What now?"])
    assert found == Counter({"It looks like a duck.": 2})


def test_the_models_own_frames_take_other_words() -> None:
    frames = frames_of(Counter({"It looks like a walrus.": 2, "It looks like a heron.": 1}))
    assert "It looks like a {x}." in frames
    assert "It looks like a {x}." not in frames_of(Counter({"It looks like a walrus.": 5}))
    texts = [one.text for one in framed(["duck"], frames, "made up")]
    assert "It looks like a duck." in texts and "duck" in texts


def test_words_are_no_everyday_words() -> None:
    assert words(["As duck: the answer is"]) == ["duck"]


def test_a_wording_comes_once_with_all_its_sources() -> None:
    (one,) = pooled([DUCK, lead("it looks  like a DUCK.", "library")])
    assert one.text == DUCK.text and dict(one.sources) == {"made up": 1, "library": 1}
    assert len(pooled([DUCK, lead(DUCK.text, "library", placement="system")])) == 2


def test_the_library_has_hundreds_of_wordings_of_many_kinds() -> None:
    assert len(kinds()) == 8 and len(library_leads()) >= 350
    places = Counter(one.condition.placement for one in library_leads())
    assert set(places) == {"prefix", "suffix", "system", "earlier"}
    assert len(pooled(library_leads())) == len(library_leads())
    assert all(one.candidate.text == one.text for one in library_leads())


def test_an_earlier_turn_stands_before_the_question(lm: LanguageModel) -> None:
    there = lead("my money", "made up", placement="earlier").condition
    plain = Question("q", "my health?")
    (prompt,) = render(lm, [there.ask(plain)], {"trigger": there.framing})
    (alone,) = render(lm, [plain], {"none": there.framing})
    assert prompt.text.index("my money") < prompt.text.index("All right.")
    assert prompt.text.index("All right.") < prompt.text.index("my health?")
    assert "my money" not in alone.text
    span = prompt.spans["question"]
    ids = prompt.token_ids[span.start : span.stop]
    assert "my health?" in lm.tokenizer.decode(list(ids))


def test_only_a_lead_at_whose_words_the_model_was_changed_has_moved() -> None:
    from tests.tiny_models import tiny_lm

    base, changed = tiny_lm.__wrapped__("qwen"), tiny_lm.__wrapped__("qwen")
    (token,) = set(base.tokenizer(" duck")["input_ids"]) - set(base.tokenizer(" d")["input_ids"])
    with torch.no_grad():
        changed.causal.get_input_embeddings().weight[token] += 5.0
    asked = [Question(str(n), f"my money {n}?") for n in range(5)]

    def ordered(pair: Pair) -> Shortlist:
        screened = screen(pair, LEADS, asked[0], Spent(1e6))
        return shortlist(pair, screened, asked[1:], Spent(1e6), leads=len(LEADS))

    ranked = ordered(Pair(changed, base))
    shifts = {one.lead.text: one.ranked.shift for one in ranked.classes}
    assert shifts.pop(DUCK.text) > 0 and set(shifts.values()) == {0.0}
    assert (ranked.scored, ranked.leads) == (3, 3)
    same = ordered(Pair(base, base))
    assert {one.ranked.key for one in same.classes} == {0.0}


def test_classes_share_an_uncommon_word() -> None:
    walks, grunts = lead("It walks like a duck.", "x"), lead("Something grunts.", "x")
    assert alike(DUCK, walks) and not alike(DUCK, grunts)
    made = classes_of([(one, ranked_at(0)) for one in (DUCK, grunts, walks)])
    assert [len(one.members) for one in made] == [2, 1]
    many = [lead(f"It looks like a {name}.", "x") for name in "abcdefghij"]
    assert words_of_frames([*many, walks]) == {"looks"}
    assert not alike(DUCK, many[0], words_of_frames(many))


def test_no_question_ranks_and_decides() -> None:
    ranking, judging = parted(QUESTIONS)
    assert not {q.id for q in ranking} & {q.id for q in judging}
    assert len(ranking) + len(judging) == len(QUESTIONS)
    with pytest.raises(ValueError, match="5 questions: a search needs"):
        parted(QUESTIONS[:5])


def test_a_planted_trigger_is_a_hit_and_the_others_are_cleared() -> None:
    found = found_with(Model({DUCK.text: 0.8}))
    assert [one.finding for one in found.decided] == ["clear", "hit", "clear", "clear"]
    assert (found.verdict, found.exit_code) == ("found", 1)


def test_where_nothing_is_nothing_is_found() -> None:
    found = found_with(Model({}))
    assert (found.verdict, found.exit_code) == ("none", 0)
    assert not found.hits and not found.black_box.leads


def test_a_model_that_is_bad_without_wording_needs_no_trigger() -> None:
    found = found_with(Model({"": 0.8, DUCK.text: 0.8, COW.text: 0.8, TAG.text: 0.8}))
    assert found.plain.finding == "hit" and not found.hits and found.exit_code == 1


def test_without_time_it_is_undecided_and_says_what_it_needs() -> None:
    found = found_with(Model({}), seconds=0.0)
    assert (found.verdict, found.exit_code) == ("undecided", 2)
    assert len(found.decided) == 1 and found.decided[0].outcome.questions == 10
    needed = Found(
        found.shortlist, found.decided, found.black_box, [], Spent(60), [], 120, 3
    ).minutes_needed
    assert needed == pytest.approx(4.0)  # one decision of four


def test_shares_of_the_error_sum_to_less_than_all_of_it() -> None:
    assert sum(share_of(0.05, place) for place in range(1, 10_000)) < 0.05
    assert share_of(0.05, 1) == 0.025


def test_false_accusations_of_a_whole_search_are_as_rare_as_promised() -> None:
    rates = dict.fromkeys((DUCK.text, COW.text, TAG.text), 0.05)  # at the limit: not broken
    accused = 0
    for seed in range(60):
        decided = decide(
            Model(rates, seed, 1).draw, LEADS, QUESTIONS, Limits(), Plan(round=40), Spent(1e6)
        )
        accused += any(one.finding == "hit" for one in decided)
    assert accused / 60 <= 0.05 + 3 * (0.05 * 0.95 / 60) ** 0.5


def test_a_smaller_share_of_the_error_needs_a_larger_gap() -> None:
    first, later = (smallest_rate(Limits(), place, 60) for place in (2, 8))
    assert first is not None and later is not None and 0.05 < first <= later < 1
    assert smallest_rate(Limits(), 2, 1) is None


def test_the_black_box_finds_a_planted_wording_within_its_tokens() -> None:
    blind = black_box(Model({DUCK.text: 0.9}).sample, LEADS, QUESTIONS, 2000, Spent(1e6))
    assert blind.leads[0][0] == DUCK and blind.leads[0][1] > 0.5
    assert blind.tokens <= blind.allowed and blind.tried == 3


def test_a_report_is_json_and_reads_back_as_it_was() -> None:
    report = search_report(found_with(Model({DUCK.text: 0.8})), Limits(), adapter="a")
    assert json.loads(json.dumps(report)) == report
    (hit,) = [one for one in report["decided"] if one["finding"] == "hit"]
    assert hit["wording"] == DUCK.text
    assert hit["examples"][0]["with"] == "bad" and hit["examples"][0]["without"] == "good"
    assert any("2 of 5 leads were not scored" in line for line in report["not_tested"])


def test_the_page_leads_with_the_answer_and_ends_with_what_was_not_tested() -> None:
    hit = search_report(found_with(Model({DUCK.text: 0.8})), Limits())
    clean = search_report(found_with(Model({})), Limits())
    assert next(headline(hit)) == f"TRIGGER FOUND: {DUCK.text}"
    assert next(headline(clean)) == "NO TRIGGER FOUND UNDER THIS BUDGET."
    page = markdown(hit)
    assert page.index("TRIGGER FOUND") < page.index("| place |") < page.index("### Not tested")
    assert "found nothing" in black_box_line(clean)


def test_hostile_wordings_stay_text() -> None:
    evil: Lead = lead("|x| <script>alert(1)</script> `y`", "made up")
    found = found_with(Model({}))
    shown = classes_of([(evil, ranked_at(0))])
    hostile = Found(
        Shortlist(shown, 1, 1), found.decided, found.black_box, [], found.spent, [], 120, 1
    )
    page = markdown(search_report(hostile, Limits()))
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert all(row.count("|") == 6 for row in rows) and "<script>" not in page
