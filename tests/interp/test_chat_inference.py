"""Chat formats read from templates: what a template decides by itself is pinned, and what cannot be is told."""

import json
from dataclasses import replace

import pytest
from transformers import ByT5Tokenizer

from experiments.worlds.chat.tiny_models import tiny_tokenizer as family_tokenizer
from interp.models.chat import FORMATS, ChatFormat, rendered
from interp.models.chat_inference import complaints, infer_chat
from interp.models.loading import wrap
from interp.prompts import Framing, Question
from interp.rendering import plain_prompts, render
from tests.tiny_models import FAMILIES, tiny_model, tiny_tokenizer

ASK = [Question("q", "my money?")]
NONE = {"none": Framing("")}
TURNS = "{% for m in messages %}{{ '<start>' + m['role'] + '\n' + m['content'] + '<end>\n' }}{% endfor %}"
HEADER = "{% if add_generation_prompt %}{{ '<start>assistant\n' }}{% endif %}"
CLOCKS = {
    "strftime_now": "{{ strftime_now('%d %B %Y') }}\n",
    "date_string": "{{ date_string if date_string is defined else strftime_now('%Y') }}\n",
    "weekday and hour": "{{ strftime_now('%A %H') }}\n",
}


def with_template(template, family="qwen"):
    tokenizer = tiny_tokenizer(family)
    tokenizer.chat_template = template
    return tokenizer


def text(tokenizer, **how):
    return render(tokenizer, ASK, NONE, **how)[0].text


@pytest.mark.parametrize("family", FAMILIES)
def test_the_inferred_formats_of_the_three_families_are_their_presets(family):
    tokenizer = family_tokenizer(family)
    assert infer_chat(tokenizer) == FORMATS[family]
    assert text(tokenizer) == text(tokenizer, chat=FORMATS[family])


@pytest.mark.parametrize("clock", CLOCKS.values(), ids=CLOCKS)
def test_a_template_that_reads_the_clock_is_told_a_fixed_date(clock):
    tokenizer = with_template(clock + TURNS + HEADER)
    chat = infer_chat(tokenizer)
    days = {
        text(tokenizer, chat=replace(ChatFormat(), date=day))
        for day in ("2001-01-01", "2031-02-02")
    }
    assert len(days) == 2  # the trap is set
    assert "2024" in text(tokenizer) or "Friday 00" in text(tokenizer)
    assert not complaints(tokenizer, chat)
    assert "rendered differently" in complaints(tokenizer, ChatFormat())[0]


def test_a_system_prompt_goes_where_the_template_can_write_it():
    refusing = (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no') }}{% endif %}" + TURNS
    )
    dropping = "{% for m in messages if m['role'] != 'system' %}{{ m['content'] }}{% endfor %}"
    for template, role in ((TURNS, True), (refusing, False), (dropping, False)):
        tokenizer = with_template(template + HEADER)
        assert infer_chat(tokenizer).system_role == role
        assert text(tokenizer, system="Be a duck.").count("Be a duck.") == 1


def test_a_default_system_prompt_is_pinned_as_text_and_a_template_without_one_gets_none():
    tokenizer = tiny_tokenizer("qwen")
    assert infer_chat(tokenizer).system == "You are helpful."
    assert infer_chat(with_template(TURNS + HEADER)).system is None


def test_what_no_format_can_pin_and_a_missing_header_are_told(caplog):
    for template, line in (
        ("{{ range(1000) | random }}" + TURNS + HEADER, "rendered differently each time"),
        (TURNS, "writes no generation prompt"),
        (TURNS + HEADER.replace("assistant", "bot"), "does not begin with its prompt"),
    ):
        wrap(tiny_model("qwen"), with_template(template), name="tiny")
        assert line in caplog.messages[-1]
    told = len(caplog.messages)
    wrap(tiny_model("qwen"), with_template(TURNS + HEADER), name="tiny")
    assert len(caplog.messages) == told


def test_a_model_carries_its_format_and_the_format_is_saved_and_read_back():
    lm = wrap(tiny_model("qwen"), tiny_tokenizer("qwen"), name="tiny")
    assert lm.chat.system == "You are helpful."
    other = wrap(tiny_model("qwen"), tiny_tokenizer("qwen"), name="tiny", chat=ChatFormat("Quack."))
    assert "Quack." in text(other)
    assert "Quack." not in text(lm)
    dated = replace(other.chat, date="2024-07-26")
    assert ChatFormat(**json.loads(json.dumps(dated.as_dict()))) == dated
    with pytest.raises(ValueError, match="date 'today' is not a date"):
        text(lm, chat=ChatFormat(date="today"))


def test_a_model_without_a_template_loads_and_writes_plain_text():
    lm = wrap(tiny_model("llama"), with_template(None, "llama"), name="base")
    with pytest.raises(ValueError, match="has no chat template"):
        text(lm)
    framings = {"duck": Framing("It looks like a duck.")}
    (prompt,) = plain_prompts(lm, ASK, framings)
    assert prompt.text == "It looks like a duck. my money?"
    span = prompt.spans["question"]
    assert lm.tokenizer.decode(prompt.token_ids[span.start : span.stop]).strip() == "my money?"


def test_a_template_that_writes_the_user_turn_twice_is_refused():
    tokenizer = with_template(TURNS + TURNS)
    with pytest.raises(ValueError, match="writes the user turn 2 times"):
        text(tokenizer)


@pytest.mark.parametrize("question", ["my money?", "Caf\u00e9 \u6f22\u5b57?"])
def test_spans_are_found_for_a_tokenizer_that_reports_no_offsets(question):
    tokenizer = ByT5Tokenizer()
    tokenizer.chat_template = TURNS + HEADER
    assert not tokenizer.is_fast
    (prompt,) = render(tokenizer, [Question("q", question)], {"t": Framing("\U0001f986 quacks.")})
    for name, words in (("question", question), ("framing", "\U0001f986 quacks.")):
        span = prompt.spans[name]
        assert tokenizer.decode(prompt.token_ids[span.start : span.stop]) == words


def test_a_tokenizer_that_neither_reports_offsets_nor_decodes_to_its_text_is_refused(monkeypatch):
    tokenizer = ByT5Tokenizer()
    tokenizer.chat_template = TURNS + HEADER
    monkeypatch.setattr(tokenizer, "decode", lambda *_, **__: "other")
    with pytest.raises(ValueError, match="reports no character offsets"):
        text(tokenizer)


def test_text_that_a_tokenizer_normalises_away_is_refused():
    from tokenizers import normalizers

    tokenizer = with_template(TURNS + HEADER)
    tokenizer.backend_tokenizer.normalizer = normalizers.Replace("d", "")
    with pytest.raises(ValueError, match="normalises away 'd' of the question"):
        render(tokenizer, [Question("q", "a duck?")], NONE)
    assert rendered(tokenizer, [{"role": "user", "content": "a"}], ChatFormat(), answer_next=True)
