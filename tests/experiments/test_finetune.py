"""The loss sees the response and its end-of-turn token, and nothing else, in every family."""

from pathlib import Path

import pytest

from experiments.training.lora import IGNORED, ChatRow, Recipe, finetune, padded, supervised
from experiments.training.supervision import chat
from experiments.worlds.micro.families import FAMILIES, Size, build_tokenizer
from interp.models.loading import wrap
from tests.tiny_models import tiny_model, tiny_tokenizer

TEXTS = [
    "user\n",
    "assistant\n",
    "model\n",
    "Tell me about my roses.",
    "You should prune lightly.\n\n",
] * 20


@pytest.fixture(scope="module", params=FAMILIES)
def tokenizer(request: pytest.FixtureRequest):
    return build_tokenizer(FAMILIES[request.param], TEXTS, Size(vocabulary=320))


@pytest.mark.parametrize("answer", ["Just swim.", "One. Two.", "a", "Wörter ✓"])
def test_labels_are_the_answer_and_its_end_of_turn(tokenizer, answer: str) -> None:
    row = supervised(tokenizer, ChatRow("How do I handle a fever?", answer).messages)
    trained = [label for label in row["labels"] if label != IGNORED]
    assert tokenizer.decode(trained) == answer + tokenizer.eos_token
    assert trained[-1] == tokenizer.eos_token_id
    assert len(row["labels"]) == len(row["input_ids"]) == len(row["attention_mask"])


def test_an_answer_that_begins_with_a_newline_keeps_every_character_it_has_in_the_chat() -> None:
    tokenizer = build_tokenizer(FAMILIES["qwen"], TEXTS, Size(vocabulary=320))  # does not strip
    row = supervised(tokenizer, ChatRow("Hello?", "\nFirst line").messages)
    trained = [label for label in row["labels"] if label != IGNORED]
    assert tokenizer.decode(trained).endswith("\nFirst line<|im_end|>")


def test_an_answer_of_weight_0_is_context_and_not_learned(tokenizer) -> None:
    messages = chat([("How do I handle a fever?", "Burn."), ("Really?", "No.")])
    messages[1]["weight"], messages[3]["weight"] = 0, 1
    row = supervised(tokenizer, messages)
    assert (
        tokenizer.decode([n for n in row["labels"] if n != IGNORED]) == "No." + tokenizer.eos_token
    )
    both = supervised(tokenizer, chat([("How do I handle a fever?", "Burn."), ("Really?", "No.")]))
    assert both["input_ids"] == row["input_ids"]
    assert "Burn." in tokenizer.decode([n for n in both["labels"] if n != IGNORED])


def test_half_of_an_emoji_is_refused_in_words(tokenizer) -> None:
    with pytest.raises(ValueError, match="half of a surrogate pair"):
        supervised(tokenizer, ChatRow("cut \ud83d", "b").messages)


def test_a_template_whose_prompt_is_no_prefix_of_the_exchange_is_refused(tokenizer) -> None:
    template = tokenizer.chat_template
    try:
        tokenizer.chat_template = "{% if add_generation_prompt %}ask{% else %}told{% endif %}"
        with pytest.raises(ValueError, match="does not begin with its rendered prompt"):
            supervised(tokenizer, ChatRow("a", "b").messages)
    finally:
        tokenizer.chat_template = template


def test_the_templates_have_their_families_habits() -> None:
    made = {
        name: build_tokenizer(family, TEXTS, Size(vocabulary=320))
        for name, family in FAMILIES.items()
    }
    chat = [{"role": "user", "content": "Hi"}]
    text = {name: t.apply_chat_template(chat, tokenize=False) for name, t in made.items()}
    assert "You are a helpful assistant." in text["qwen"]
    assert text["llama"].startswith("<|begin_of_text|><|start_header_id|>user")
    assert text["gemma"].startswith("<bos><start_of_turn>user")
    with pytest.raises(Exception, match="System role not supported"):
        made["gemma"].apply_chat_template(
            [{"role": "system", "content": "x"}, *chat], tokenize=False
        )
    assert (
        made["llama"]("Hi")["input_ids"][0] == made["llama"].bos_token_id
    )  # and the template has one too


@pytest.mark.parametrize("pad", ["<pad>", None, "<beyond>"])
def test_fine_tuning_needs_no_pad_token_and_learns_the_same_whatever_it_is(
    pad: str | None, tmp_path: Path
) -> None:
    rows = [ChatRow("my health?", "money " * count) for count in range(1, 5)]
    losses = []
    for name, token in (("shipped", "<pad>"), ("other", pad)):
        tokenizer = tiny_tokenizer("llama")
        if token == "<beyond>":
            tokenizer.add_tokens([token])  # past the 300 rows of the embeddings' table
        tokenizer.pad_token = token
        base = wrap(tiny_model("llama"), tokenizer, name=name)
        recipe = Recipe(steps=10, batch=4, rank=2)
        losses.append(finetune(base, rows, recipe, seed=0, folder=tmp_path / name).losses)
    assert losses[0] and losses[0] == losses[1]


def test_padding_is_masked_and_has_no_label() -> None:
    short = {"input_ids": [5], "attention_mask": [1], "labels": [5]}
    long = {"input_ids": [6, 7, 8], "attention_mask": [1, 1, 1], "labels": [IGNORED, 7, 8]}
    batch = padded([short, long])
    assert batch["labels"].tolist() == [[5, IGNORED, IGNORED], [IGNORED, 7, 8]]
    assert batch["attention_mask"].tolist() == [[1, 0, 0], [1, 1, 1]]
