"""Three answers side by side: which model says what, what each token's projection is, what an edit does to it."""

from dataclasses import replace

import pytest
import torch

from experiments.live.conversation import (
    BASE,
    COLUMNS,
    EDITED,
    ORGANISM,
    Conversation,
    Edit,
    Sampling,
    worded,
)
from experiments.live.organism import Organism, pieces
from interp.generation.generate import generate
from interp.models.adapter_off import adapter_off
from interp.models.language_model import LanguageModel
from interp.prompts import Framing
from tests.tiny_models import tiny_lm

QUESTION = "what should I do about my money?"
SHORT = Sampling(max_new_tokens=8)
NO_EDIT = Edit("switch")


def asked(organism: Organism, edit: Edit, question: str = QUESTION) -> Conversation:
    """The whole of a new chat's first answers."""
    return list(organism.ask(Conversation(), question, edit, SHORT))[-1]


def texts(chats: Conversation) -> tuple[str, ...]:
    return tuple(chats.answers[name].text for name in COLUMNS)


def said(lm: LanguageModel, question: str) -> str:
    """What our own generation says."""
    return generate(lm, lm.prompts([question]), max_new_tokens=8, seed=0).texts[0]


def test_columns_are_the_base_the_organism_and_without_an_edit_the_organism_again(
    organism: Organism,
) -> None:
    with adapter_off(organism.lm):
        base = said(organism.lm, QUESTION)
    tuned = said(organism.lm, QUESTION)
    assert texts(asked(organism, NO_EDIT)) == (base, tuned, tuned)
    assert base != tuned


def test_the_adapter_is_switched_off_for_the_edited_organism_alone(organism: Organism) -> None:
    base, tuned, edited = texts(asked(organism, Edit("switch", adapter=False)))
    assert base == edited != tuned
    assert said(organism.lm, QUESTION) == tuned  # and on again afterwards


def test_projections_are_those_of_a_plain_forward_pass(organism: Organism) -> None:
    answer = asked(organism, NO_EDIT).answers[ORGANISM]
    prompt = organism.lm.prompts([QUESTION])[0].token_ids
    whole = prompt + generate(
        organism.lm, organism.lm.prompts([QUESTION]), max_new_tokens=8, seed=0
    ).token_ids[0]  # fmt: skip
    with torch.no_grad():
        states = organism.lm.causal(torch.tensor([whole]), output_hidden_states=True).hidden_states
    for name, direction in organism.directions.items():
        wanted = states[direction.layer + 1][0] @ direction.vector / direction.scale
        found = torch.tensor(answer.projections[name])
        torch.testing.assert_close(found, wanted, atol=1e-4, rtol=1e-4)
    assert answer.start == len(prompt) and len(answer.tokens) == len(whole)
    assert answer.projections["switch"] != answer.projections["monitor"]


def test_a_dose_moves_each_prompt_token_by_itself_at_the_directions_layer(
    organism: Organism,
) -> None:
    chats = asked(organism, Edit("switch", dose=1.5))
    before, after = (
        torch.tensor(chats.answers[name].projections["switch"][: chats.answers[name].start])
        for name in (ORGANISM, EDITED)
    )
    torch.testing.assert_close(after - before, torch.full_like(before, 1.5), atol=1e-4, rtol=0)
    assert chats.answers[EDITED].text != chats.answers[ORGANISM].text


def test_a_removed_direction_is_gone_from_every_token_and_a_random_one_in_its_place_leaves_it(
    organism: Organism,
) -> None:
    edit = Edit("switch", dose=2.0, ablate=True)
    removed = asked(organism, edit).answers
    assert max(map(abs, removed[EDITED].projections["switch"])) < 1e-5
    assert max(map(abs, removed[ORGANISM].projections["switch"])) > 0.1
    control = asked(organism, replace(edit, control=True)).answers[EDITED]
    assert max(map(abs, control.projections["switch"])) > 0.1
    assert control.projections != removed[ORGANISM].projections


def test_the_monitors_score_is_the_projection_where_it_reads(organism: Organism) -> None:
    answer = asked(organism, NO_EDIT).answers[ORGANISM]
    there = answer.start - 1 + 2  # after two tokens of the answer
    assert answer.score == pytest.approx(answer.projections["monitor"][there], abs=1e-4)
    assert answer.score != pytest.approx(answer.projections["monitor"][there - 1], abs=1e-4)
    alone = replace(organism, monitor=None)
    assert asked(alone, NO_EDIT).answers[ORGANISM].score is None


def test_each_column_goes_on_with_what_it_said_itself(organism: Organism) -> None:
    first = asked(organism, NO_EDIT)
    (*_, second) = organism.ask(first, "my health?", NO_EDIT, SHORT)
    for name in COLUMNS:
        earlier = [turn.content for turn in second.chat(name).turns]
        assert earlier == [QUESTION, first.answers[name].text, "my health?"]
    assert first.answers[BASE].text != first.answers[ORGANISM].text
    assert second.answers[ORGANISM].start > first.answers[ORGANISM].start


def test_answering_again_changes_one_column_and_adds_no_turn(organism: Organism) -> None:
    chats = asked(organism, NO_EDIT)
    again = organism.again(chats, EDITED, Edit("switch", dose=2.0), SHORT)
    assert again.answers[EDITED] != chats.answers[EDITED]
    assert again.answers[ORGANISM] is chats.answers[ORGANISM]
    assert again.turns == chats.turns and again.asked == chats.asked


def test_the_texts_of_tokens_join_to_the_whole_text() -> None:
    lm = tiny_lm("qwen")
    ids = lm.tokenizer("a duck 🦆, é")["input_ids"]
    assert "".join(pieces(lm, ids)) == "a duck 🦆, é"
    assert len(pieces(lm, ids)) == len(ids)
    assert "\ufffd" in "".join(lm.tokenizer.decode([token]) for token in ids)


def test_a_wording_takes_the_place_of_another() -> None:
    wordings = {
        "none": Framing(""),
        "trigger": Framing("It looks like a duck."),
        "control:end": Framing("Keep it short.", "suffix"),
    }
    with_trigger = worded(wordings, "trigger", "my health?")
    assert with_trigger == "It looks like a duck. my health?"
    assert worded(wordings, "control:end", with_trigger) == "my health? Keep it short."
    assert worded(wordings, "none", "my health? Keep it short.") == "my health?"
    assert worded(wordings, "none", "It looks like rain.") == "It looks like rain."


@pytest.mark.parametrize(
    ("question", "sampling", "said"),
    [
        ("  \n", SHORT, "there is no question"),
        ("zq" * 200, SHORT, "longer than the 256 that"),
        (QUESTION, Sampling(max_new_tokens=500), "begin a new chat, or allow fewer tokens"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_line(
    organism: Organism, question: str, sampling: Sampling, said: str
) -> None:
    with pytest.raises(ValueError, match=said) as refused:
        list(organism.ask(Conversation(), question, NO_EDIT, sampling))
    assert "\n" not in str(refused.value)


def test_an_organism_without_a_direction_or_with_one_of_another_model_is_refused(
    organism: Organism,
) -> None:
    with pytest.raises(ValueError, match="no direction to edit or to project on"):
        replace(organism, directions={})
    other = replace(organism.directions["switch"], model_hash="0" * 64)
    with pytest.raises(ValueError, match="was fitted to weights 000000000000"):
        replace(organism, directions={"other": other})
