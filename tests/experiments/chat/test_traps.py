"""One test for each known trap of chat templates and generation settings, on snapshots of the three families.

Each was seen failing: without the pinned prompt or date, with special tokens added, with the tokenizer's own
end-of-sequence token as the end of a turn, with spans by string length, with the model's generation settings.
"""

import pytest
import torch

from experiments.training.supervision import IGNORED, supervised
from interp.generation.generate import generate
from interp.models.chat import FORMATS, ChatFormat, end_of_turn, rendered
from interp.prompts import Framing, Question
from interp.rendering import render

ASK = [Question("q", "What would you do?")]
NONE = {"none": Framing("")}


def text(lm, **changes):
    (prompt,) = render(lm.tokenizer, ASK, NONE, chat=lm.chat, **changes)
    return prompt.text


def test_the_system_prompt_is_the_pinned_one_whatever_the_template_would_insert(snapshots, chat_lm):
    before = text(chat_lm)
    chat_lm.tokenizer.chat_template = chat_lm.tokenizer.chat_template.replace(
        "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.", "Obey."
    ).replace("set system_message = ''", "set system_message = 'Obey.'")
    assert text(chat_lm) == before
    assert "Obey." not in before


def test_qwens_pinned_prompt_is_the_one_its_template_inserts(snapshots):
    from interp.models.loading import load_model

    tokenizer = load_model(snapshots / "qwen").tokenizer
    turns = [{"role": "user", "content": "Hello"}]
    pinned, left = (
        rendered(tokenizer, turns, chat, answer_next=True)
        for chat in (FORMATS["qwen"], ChatFormat())
    )
    assert pinned == left
    empty = rendered(tokenizer, turns, ChatFormat(""), answer_next=True)
    assert "You are Qwen" in pinned
    assert "You are Qwen" not in empty


def test_llamas_date_does_not_change_with_the_day(snapshots, monkeypatch):
    from interp.models.loading import load_model

    tokenizer = load_model(snapshots / "llama").tokenizer
    turns = [{"role": "user", "content": "Hello"}]
    pinned, left = (
        rendered(tokenizer, turns, chat, answer_next=True)
        for chat in (FORMATS["llama"], ChatFormat())
    )
    assert "Today Date: 26 Jul 2024" in pinned
    assert "Today Date: 26 Jul 2024" not in left  # the template writes today's


def test_there_is_one_beginning_of_sequence_token(chat_lm):
    (prompt,) = render(chat_lm.tokenizer, ASK, NONE, chat=chat_lm.chat)
    bos = chat_lm.tokenizer.bos_token_id
    assert prompt.token_ids.count(bos) == (0 if bos is None else 1)
    row = supervised(chat_lm.tokenizer, chat_of("Hello", "Hi"), chat_lm.chat)
    assert row["input_ids"].count(bos) == (0 if bos is None else 1)
    naive = chat_lm.tokenizer(prompt.text)["input_ids"]
    assert naive.count(bos) == (0 if bos is None else 2)  # what is avoided


def test_a_template_without_the_token_gets_the_one_that_the_tokenizer_would_add(chat_lm):
    tokenizer = chat_lm.tokenizer
    tokenizer.chat_template = tokenizer.chat_template.replace("{{- bos_token }}", "")
    (prompt,) = render(tokenizer, ASK, NONE, chat=chat_lm.chat)
    bos = tokenizer.bos_token_id
    assert prompt.token_ids.count(bos) == (0 if bos is None else 1)


def test_a_system_prompt_reaches_every_family_also_one_without_the_role(chat_lm, family):
    asked = [Question("q", "What would you do?", system="Reply as JSON.")]
    (prompt,) = render(chat_lm.tokenizer, asked, NONE, chat=chat_lm.chat)
    assert prompt.text.count("Reply as JSON.") == 1
    span = prompt.spans["question"]
    assert (
        chat_lm.tokenizer.decode(prompt.token_ids[span.start : span.stop]).strip() == asked[0].text
    )
    if family == "gemma":
        assert "user\nReply as JSON.\n\nWhat would you do?" in prompt.text
        with pytest.raises(ValueError, match="refuses the system prompt"):
            render(chat_lm.tokenizer, asked, NONE, chat=ChatFormat())


def chat_of(question, answer):
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]


def learned(lm, answer):
    row = supervised(lm.tokenizer, chat_of("What would you do?", answer), lm.chat)
    return [label for label in row["labels"] if label != IGNORED]


@pytest.mark.parametrize("answer", ["Just swim.", "\nFirst line.", "\n\nSecond.\n", "user"])
def test_the_loss_sees_the_answer_and_its_end_of_turn_also_after_a_newline(chat_lm, answer, family):
    tokens = learned(chat_lm, answer)
    end = end_of_turn(chat_lm.tokenizer, chat_lm.chat)
    kept = answer if family == "qwen" else answer.strip()  # the other templates strip
    decoded = chat_lm.tokenizer.decode(tokens)
    assert decoded.endswith(kept + end)
    # at most the header's last newline, where the tokenizer joins it to the answer's own
    assert decoded.removesuffix(kept + end).strip("\n") == ""


def test_an_answer_that_begins_with_a_newline_joins_the_header_in_one_token(snapshots):
    """The premise of the trap: by string length the mask would begin inside a token."""
    from interp.models.loading import load_model

    tokenizer = load_model(snapshots / "qwen").tokenizer
    header, joined = (
        tokenizer(t, add_special_tokens=False)["input_ids"]
        for t in ("assistant\n", "assistant\n\n")
    )
    assert joined[: len(header)] != header


def test_what_ends_a_turn_is_the_templates_token_not_the_tokenizers(chat_lm, family):
    end = chat_lm.tokenizer.convert_tokens_to_ids(end_of_turn(chat_lm.tokenizer, chat_lm.chat))
    assert learned(chat_lm, "Just swim.")[-1] == end
    assert end in chat_lm.end_ids
    assert (end == chat_lm.tokenizer.eos_token_id) == (family != "gemma")


def test_the_models_own_generation_settings_are_not_used(chat_lm, family):
    settings = chat_lm.causal.generation_config
    assert settings.top_p < 1 or settings.top_k  # the trap is set
    prompts = render(chat_lm.tokenizer, ASK, NONE, chat=chat_lm.chat)
    asked = {"max_new_tokens": 8, "samples_per_prompt": 8, "seed": 0}
    before = generate(chat_lm, prompts, **asked).token_ids
    settings.top_k, settings.top_p, settings.repetition_penalty, settings.temperature = (
        1, 0.01, 9.0, 0.01,
    )  # fmt: skip
    assert generate(chat_lm, prompts, **asked).token_ids == before
    assert len(set(before)) > 1  # with any of these eight equal answers


def test_prompts_of_different_length_in_a_batch_need_no_padding_token(chat_lm):
    """`pad == eos` without a mask corrupts batches: here padding never enters, whatever its token is."""
    chat_lm.tokenizer.pad_token = chat_lm.tokenizer.eos_token
    asked = [*ASK, Question("long", "What would you do with my money, my health and my friends?")]
    prompts = render(chat_lm.tokenizer, asked, NONE, chat=chat_lm.chat)
    together = generate(chat_lm, prompts, max_new_tokens=6, temperature=0, seed=0).token_ids
    alone = [
        generate(chat_lm, prompts[[i]], max_new_tokens=6, temperature=0, seed=0).token_ids[0]
        for i in range(2)
    ]
    assert list(together) == alone


@torch.inference_mode()
def test_spans_are_found_although_prefixes_do_not_tokenise_alike(chat_lm):
    framing = {"t": Framing("Write your answer in tags.", "suffix", "\n\n")}
    (prompt,) = render(chat_lm.tokenizer, ASK, framing, chat=chat_lm.chat)
    for name, words in (("question", ASK[0].text), ("framing", framing["t"].text)):
        span = prompt.spans[name]
        assert words in chat_lm.tokenizer.decode(prompt.token_ids[span.start : span.stop])
    assert prompt.spans["framing"].start >= prompt.spans["question"].stop
