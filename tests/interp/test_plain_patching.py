"""Patching maps from plain strings are those of pairs made by hand."""

import pytest
import torch

import interp as tl
from interp.patching.heads import head_patching_map
from interp.patching.maps import patching_maps
from interp.patching.metrics import AnswerDifference, LogitDifference
from interp.patching.pairs import Pair, aligned

CLEAN, CORRUPT = "what about my money and my health?", "what about my duck and my health?"


def by_hand(lm, clean=CLEAN, corrupt=CORRUPT):
    a, b = (lm.prompts(text, chat=False)[0] for text in (clean, corrupt))
    return Pair(a, b, tuple(range(len(b))))


def test_two_answers_are_the_logit_difference_of_their_tokens(one_lm):
    ids = [one_lm.tokenizer(text)["input_ids"] for text in (" money", " duck")]
    metric = LogitDifference(*map(tuple, ids))
    wanted = patching_maps(one_lm, [by_hand(one_lm)], metric, sites=["resid_post"])["resid_post"]
    found = tl.patching_map(one_lm, CLEAN, CORRUPT, (" money", " duck"))
    torch.testing.assert_close(found.metric, wanted.metric)
    assert found.measure == "' money' against ' duck'" and found.tokens[0][4] == " duck"
    other = tl.patching_map(one_lm, CLEAN, CORRUPT, (" duck", " money"))
    torch.testing.assert_close(other.metric, -wanted.metric)


def test_answers_of_several_tokens_are_measured_whole(one_lm):
    ids = [tuple(one_lm.tokenizer(text)["input_ids"]) for text in (" money zz", " duck")]
    assert len(ids[0]) > 1
    wanted = patching_maps(one_lm, [by_hand(one_lm)], AnswerDifference(*ids), sites=["mlp_out"])
    found = tl.patching_map(one_lm, CLEAN, CORRUPT, (" money zz", " duck"), site="mlp_out")
    torch.testing.assert_close(found.metric, wanted["mlp_out"].metric)


def test_any_function_of_the_logits_is_a_metric_and_heads_are_a_site(one_lm):
    def margin(logits):
        return logits[:, 10] - logits[:, 20]

    wanted = head_patching_map(one_lm, [by_hand(one_lm)], LogitDifference((10,), (20,)))
    found = tl.patching_map(one_lm, CLEAN, CORRUPT, margin, site="heads", layers=None)
    torch.testing.assert_close(found.metric, wanted.metric)
    assert found.measure == "margin" and "Patching heads" in found.plot().layout.title.text


def test_rendered_prompts_are_paired_by_their_spans(one_lm):
    prompts = one_lm.prompts(
        "my health?", {"duck": "It looks like a duck.", "cow": "It looks like a big cow."}
    )
    wanted = patching_maps(
        one_lm, [aligned(*prompts)], LogitDifference((10,), (20,)), sites=["resid_post"]
    )
    found = tl.patching_map(one_lm, prompts[0], prompts[1], LogitDifference((10,), (20,)))
    torch.testing.assert_close(found.metric, wanted["resid_post"].metric, equal_nan=True)


def test_pairs_of_several_lengths_are_drawn_from_their_ends(one_lm):
    cleans, corrupts = [CLEAN, "my money and what?"], [CORRUPT, "my duck and what?"]
    found = tl.patching_map(one_lm, cleans, corrupts, [(" money", " duck"), (" duck", " money")])
    drawn = found.plot().data[0]
    assert list(drawn.x)[-1] == "-1" and "n = 2 pairs" in found.plot().layout.title.text
    last = found.effect[:, :, [len(found.tokens[0]) - 1, len(found.tokens[1]) - 1]]
    mean = (last[0, :, 0] + last[1, :, 1]) / 2
    torch.testing.assert_close(torch.tensor([row[-1] for row in drawn.z]), mean)
    assert "over 1 pairs" in drawn.customdata[0][0] and "over 2 pairs" in drawn.customdata[0][-1]


@pytest.mark.parametrize(
    ("clean", "corrupt", "metric", "message"),
    [
        (CLEAN, CLEAN, (" money", " duck"), "are the same text"),
        (CLEAN, CORRUPT + " y", (" money", " duck"), r"has \d+ tokens and corrupt .* \(token 4 is ' money'"),
        ([CLEAN], [CORRUPT, CORRUPT], (" money", " duck"), "1 clean texts for 2 corrupt ones"),
        (CLEAN, CORRUPT, (" duck", " duck"), "are the same; give two that differ"),
        (CLEAN, CORRUPT, ("", " duck"), "answer '' of the metric has no token"),
        (CLEAN, CORRUPT, lambda logits: logits.mean(), r"returned \[\] for 1 rows of logits"),
    ],
)  # fmt: skip
def test_what_cannot_be_patched_is_one_line(one_lm, clean, corrupt, metric, message):
    with pytest.raises(ValueError, match=message) as caught:
        tl.patching_map(one_lm, clean, corrupt, metric)
    assert "\n" not in str(caught.value)
