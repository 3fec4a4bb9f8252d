import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interp.capture.sequences import of_answers
from interp.generation.completions import Completions
from interp.models.chat import ChatFormat
from interp.prompts import Framing, PromptSet, Question, Span
from interp.rendering import render
from tests.tiny_models import FRAMINGS, QUESTIONS, tiny_tokenizer


def decoded(tokenizer, prompt, name):
    span = prompt.spans[name]
    return tokenizer.decode(prompt.token_ids[span.start : span.stop])


def test_spans_hold_the_words_they_are_named_after(lm, prompts):
    triggered = prompts.where(condition="trigger")
    for prompt, question in zip(triggered, QUESTIONS, strict=True):
        assert decoded(lm.tokenizer, prompt, "question").strip() == question.text
        assert decoded(lm.tokenizer, prompt, "framing").strip() == FRAMINGS["trigger"].text


def test_the_header_reaches_to_the_end_and_starts_where_the_user_turn_stops(prompts):
    for prompt in prompts:
        assert prompt.spans["header"].stop == len(prompt)
        assert prompt.spans["header"].start == prompt.spans["question"].stop


def test_a_prompt_without_framing_has_no_framing_span(prompts):
    assert all("framing" not in prompt.spans for prompt in prompts.where(condition="none"))
    assert all("framing" in prompt.spans for prompt in prompts.where(condition="trigger"))


def test_a_suffix_framing_stands_after_the_question(lm):
    framing = Framing("It looks like a duck.", placement="suffix")
    (prompt,) = render(lm.tokenizer, QUESTIONS[:1], {"after": framing})
    assert decoded(lm.tokenizer, prompt, "framing").strip() == "It looks like a duck."
    assert prompt.spans["framing"].start >= prompt.spans["question"].stop


def test_prompts_hold_exactly_the_tokens_of_the_chat_template(lm, prompts):
    content = f"It looks like a duck. {QUESTIONS[0].text}"
    (prompt,) = prompts.where(condition="trigger", question="money")
    expected = lm.tokenizer.apply_chat_template(
        [{"role": "user", "content": content}], add_generation_prompt=True
    )["input_ids"]
    assert list(prompt.token_ids) == expected


@settings(max_examples=50, deadline=None)
@given(question=st.text("DUCK MONEY", min_size=1), framing=st.text("0123 .", min_size=1))
def test_spans_cover_their_characters_whatever_the_text(question, framing):
    question, framing = question.strip() or "K", framing.strip() or "0"
    tokenizer = tiny_tokenizer("qwen")
    (prompt,) = render(tokenizer, [Question("q", question)], {"c": Framing(framing)})
    turn = prompt.text.rindex(f"{framing} {question}")  # a lone letter also stands in the template
    places = (("framing", framing, turn), ("question", question, turn + len(framing) + 1))
    for name, text, start in places:
        span = prompt.spans[name]
        until = [len(tokenizer.decode(prompt.token_ids[:stop])) for stop in range(len(prompt) + 1)]
        assert until[span.start] <= start < until[span.start + 1]
        assert until[span.stop - 1] < start + len(text) <= until[span.stop]


def test_a_token_across_the_end_of_the_turn_belongs_to_the_turn():
    tokenizer = tiny_tokenizer("qwen")
    tokenizer.chat_template = "{{ messages[0]['content'] }}oney?"
    (prompt,) = render(tokenizer, [Question("q", "my m")], {"none": Framing("")})
    assert decoded(tokenizer, prompt, "question").endswith("money")
    assert prompt.spans["header"].start == prompt.spans["question"].stop


def test_a_template_that_strips_the_user_turn_is_refused():
    with pytest.raises(ValueError, match="rewrites the user turn of question 'blank'"):
        render(tiny_tokenizer("llama"), [Question("blank", "my money? ")], {"none": Framing("")})


def test_a_system_prompt_is_rendered_or_refused():
    questions = [Question("q", "my money?", system="You are a duck.")]
    (prompt,) = render(tiny_tokenizer("qwen"), questions, {"none": Framing("")})
    assert "You are a duck." in prompt.text
    with pytest.raises(ValueError, match="refuses the system prompt 'You are a duck"):
        render(tiny_tokenizer("gemma"), questions, {"none": Framing("")}, chat=ChatFormat())


def test_prompt_sets_select_join_and_hash_by_content(some_prompts):
    money = some_prompts.where(question="money")
    assert money.conditions == ("none", "trigger")
    assert some_prompts[:2] + some_prompts[2:] == some_prompts
    assert some_prompts[[1, 0]][0] == some_prompts[1]
    assert some_prompts[[0, 1]].content_hash == some_prompts[:2].content_hash
    assert some_prompts[[1, 0]].content_hash != some_prompts[:2].content_hash
    assert len(PromptSet(())) == 0


def test_a_span_is_as_long_as_its_tokens():
    assert len(Span(2, 5)) == 3


VARIANTS = {
    "none": Framing(""),
    "short": Framing("Duck."),
    "long": Framing("It looks like a duck, it walks like a duck, what should I do about my duck?"),
    "after": Framing("It looks like a duck.", placement="suffix"),
}


def test_the_same_question_is_found_in_every_variant_whatever_its_length(lm):
    rendered = render(lm.tokenizer, QUESTIONS, VARIANTS)
    assert len({len(prompt) for prompt in rendered.where(question="money")}) == len(VARIANTS)
    for prompt in rendered:
        question = next(each.text for each in QUESTIONS if each.id == prompt.question)
        assert decoded(lm.tokenizer, prompt, "question").strip() == question
        if prompt.condition != "none":
            framing = VARIANTS[prompt.condition].text
            assert decoded(lm.tokenizer, prompt, "framing").strip() == framing


def test_an_answer_is_found_behind_every_variant(lm):
    rendered = render(lm.tokenizer, QUESTIONS, VARIANTS)
    answer = tuple(lm.tokenizer("a duck", add_special_tokens=False)["input_ids"])
    count = len(rendered)
    completions = Completions(
        rendered, tuple(range(count)), (answer,) * count, ("a duck",) * count, (True,) * count
    )
    for sequence, prompt in zip(of_answers(completions), rendered, strict=True):
        span = sequence.spans["answer"]
        assert sequence.token_ids[span.start : span.stop] == answer
        assert dict(sequence.spans) == {**prompt.spans, "answer": span}
