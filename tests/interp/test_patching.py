"""Every number of the fast sweep against the naive loop: one whole forward pass with one cell overwritten."""

from dataclasses import replace

import pytest
import torch

from interp.capture.hook_points import SITES, HookPoint, first_tensor, module_at, output_projection
from interp.capture.sites import hooked_modules
from interp.patching.attribution import agreement, attribution_map
from interp.patching.heads import head_patching_map
from interp.patching.maps import patching_maps
from interp.patching.metrics import (
    AnswerDifference,
    AnswerLogProb,
    AtLastToken,
    KLFromClean,
    LogitDifference,
)
from interp.patching.pairs import Pair, aligned
from interp.patching.runs import Sweep
from interp.prompts import Framing, Question
from interp.rendering import render

CLOSE = {"rtol": 1e-4, "atol": 1e-4}
MARGIN = LogitDifference((10, 11), (20,))
QUESTIONS = [
    Question("money", "what should I do about my money?"),
    Question("long", "what should I do about my money and my health and my money?"),
]


@pytest.fixture
def pairs(lm):
    """A pair of one length that differs in one token, and two whose framings differ in length."""
    framings = {
        "trigger": Framing("It looks like a duck."),
        "control": Framing("It looks much more like a cow."),
    }
    prompts = render(lm.tokenizer, QUESTIONS, framings)
    same = prompts[0]
    ids = list(same.token_ids)
    ids[same.spans["question"].start + 2] = 77
    other = replace(same, token_ids=tuple(ids))
    return [aligned(same, other), aligned(prompts[0], prompts[2]), aligned(prompts[3], prompts[1])]


def last_logits(lm, ids):
    return lm.causal(input_ids=torch.tensor([ids])).logits


@torch.no_grad()
def kept(lm, ids, module, pre=False):
    found = []
    if pre:
        handle = module.register_forward_pre_hook(lambda _m, inputs: found.append(inputs[0]))
    else:
        handle = module.register_forward_hook(lambda _m, _i, out: found.append(first_tensor(out)))
    last_logits(lm, ids)
    handle.remove()
    return found[0]


@torch.no_grad()
def naive_cells(lm, pair, place, answer=()):
    """Whole forward passes of the corrupt prompt and an answer, row j with token j of one place from the clean run.

    Their logits from the last prompt token on, [token, step, vocabulary]; tokens without counterpart are left alone.
    """
    module = module_at(lm, place)
    clean = kept(lm, pair.clean.token_ids + answer, module)

    def overwrite(hidden):
        hidden = hidden.clone()
        for token, at in enumerate(pair.source):
            if at is not None:
                hidden[token, token] = clean[0, at]
        return hidden

    ids = torch.tensor([pair.corrupt.token_ids + answer]).expand(len(pair.corrupt), -1)
    with hooked_modules({module: overwrite}):
        return lm.causal(input_ids=ids).logits[:, len(pair.corrupt) - 1 :]


def margin(logits):
    last = logits[:, 0]
    return last[:, [10, 11]].mean(-1) - last[:, 20]


@pytest.mark.parametrize("site", SITES)
def test_each_cell_equals_a_forward_pass_with_that_cell_overwritten(lm, pairs, site):
    found = patching_maps(lm, pairs, MARGIN, sites=[site])[site]
    for row, pair in enumerate(pairs):
        assert found.metric[row].isnan().sum() == 3 * (
            found.metric.shape[2] - sum(at is not None for at in pair.source)
        )
        has = torch.tensor([at is not None for at in pair.source])
        for layer in range(lm.n_layers):
            expected = margin(naive_cells(lm, pair, HookPoint(layer, site)))[has]
            cells = found.metric[row, layer, : len(has)][has]
            torch.testing.assert_close(cells, expected, **CLOSE)


def test_small_batches_and_some_layers_change_nothing(lm, pairs):
    whole = patching_maps(lm, pairs, MARGIN)
    parts = patching_maps(lm, pairs, MARGIN, layers=[2, 0], batch_tokens=1)
    for site in SITES:
        assert parts[site].layers == (0, 2)
        torch.testing.assert_close(
            parts[site].metric, whole[site].metric[:, [0, 2]], equal_nan=True, **CLOSE
        )


def test_pairs_are_recorded_in_groups_and_the_numbers_are_the_same(lm, pairs, monkeypatch):
    """Memory then does not grow with the pairs; at once, all three are one group."""
    groups = []
    of = Sweep.of
    monkeypatch.setattr(
        Sweep, "of", lambda lm, some, *rest: groups.append(len(some)) or of(lm, some, *rest)
    )
    for run in (head_patching_map, lambda *given, **how: patching_maps(*given, **how)["attn_out"]):
        whole, parts = run(lm, pairs, MARGIN), run(lm, pairs, MARGIN, batch_tokens=1)
        for name in ("metric", "clean", "corrupt"):
            found, wanted = getattr(parts, name), getattr(whole, name)
            torch.testing.assert_close(found, wanted, equal_nan=True, **CLOSE)
    assert groups == [3, 1, 1, 1] * 2


def test_each_head_equals_a_forward_pass_with_that_head_overwritten(lm, pairs):
    found = head_patching_map(lm, pairs, MARGIN)
    assert found.metric.shape == (3, 3, 4)
    for row, pair in enumerate(pairs):
        for layer in range(lm.n_layers):
            module = output_projection(lm, layer)
            clean = kept(lm, pair.clean.token_ids, module, pre=True)
            width = clean.shape[-1] // 4

            def put(_module, inputs, clean=clean, width=width, pair=pair):
                changed = inputs[0].clone()
                for token, at in enumerate(pair.source):
                    for head in range(4 if at is not None else 0):
                        mine = slice(head * width, (head + 1) * width)
                        changed[head, token, mine] = clean[0, at, mine]
                return (changed,)

            handle = module.register_forward_pre_hook(put)
            with torch.no_grad():
                ids = torch.tensor([pair.corrupt.token_ids]).expand(4, -1)
                logits = lm.causal(input_ids=ids).logits[:, -1:]
            handle.remove()
            torch.testing.assert_close(found.metric[row, layer], margin(logits), **CLOSE)


def test_metrics_of_whole_answers_equal_their_definitions(lm, pairs):
    pair, answer, other = pairs[1], (12, 30, 41), (50, 60)
    token = len(pair.corrupt) - 2
    place = HookPoint(0, "resid_post")

    def log_prob(ids):
        logits = naive_cells(lm, pair, place, ids)[token, : len(ids)].log_softmax(-1)
        return logits[range(len(ids)), list(ids)].sum()

    whole = patching_maps(lm, [pair], AnswerLogProb(answer), sites=["resid_post"])["resid_post"]
    torch.testing.assert_close(whole.metric[0, 0, token], log_prob(answer), **CLOSE)
    odds = patching_maps(lm, [pair], AnswerDifference(answer, other), sites=["resid_post"])
    torch.testing.assert_close(
        odds["resid_post"].metric[0, 0, token], log_prob(answer) - log_prob(other), **CLOSE
    )
    kl = patching_maps(lm, [pair], KLFromClean(), sites=["resid_post"])["resid_post"]
    with torch.no_grad():
        clean = last_logits(lm, pair.clean.token_ids)[0, -1].log_softmax(-1)
    patched = naive_cells(lm, pair, place)[token, 0].log_softmax(-1)
    torch.testing.assert_close(
        kl.metric[0, 0, token], (clean.exp() * (clean - patched)).sum(), **CLOSE
    )
    assert float(kl.clean[0]) == pytest.approx(0, abs=1e-5) and float(kl.corrupt[0]) > 1e-3


def test_each_pair_may_have_an_answer_of_its_own(lm, pairs):
    answers = [AnswerLogProb((12, 30, 41)), AnswerLogProb((50,)), AnswerLogProb((9, 8))]
    together = patching_maps(lm, pairs, answers, sites=["mlp_out"])["mlp_out"]
    for row, (pair, answer) in enumerate(zip(pairs, answers, strict=True)):
        alone = patching_maps(lm, [pair], answer, sites=["mlp_out"])["mlp_out"]
        tokens = len(pair.corrupt)
        torch.testing.assert_close(
            together.metric[row, :, :tokens], alone.metric[0], equal_nan=True, **CLOSE
        )


def test_only_tokens_that_have_seen_the_difference_have_an_effect(lm, pairs):
    place = pairs[0].first_difference
    assert place == pairs[0].corrupt.spans["question"].start + 2
    effect = patching_maps(lm, pairs, MARGIN, sites=["resid_post"])["resid_post"].effect[0]
    assert effect[:, :place].abs().max() == 0
    assert effect[0, place:].nan_to_num().abs().max() > 1e-2


def test_the_last_token_after_the_last_layer_restores_everything_and_the_others_nothing(lm, pairs):
    found = patching_maps(lm, pairs, MARGIN, sites=["resid_post"])["resid_post"]
    for row, pair in enumerate(pairs):
        last = found.effect[row, -1, : len(pair.corrupt)]
        assert float(last[-1]) == pytest.approx(1, abs=1e-3)
        assert last[:-1].nan_to_num().abs().max() < 1e-3


def test_patching_a_prompt_into_itself_changes_nothing(lm, pairs):
    clean = pairs[0].clean
    found = patching_maps(lm, [aligned(clean, clean)], MARGIN)
    heads = head_patching_map(lm, [aligned(clean, clean)], MARGIN)
    for each in (*found.values(), heads):
        expected = each.clean[:, None, None].expand_as(each.metric)
        torch.testing.assert_close(each.metric, expected, **CLOSE)


def test_the_model_is_left_as_it_was_even_after_an_exception(lm, pairs):
    ids = pairs[0].corrupt.token_ids

    def fails(logits):
        raise RuntimeError("the metric fails")

    with torch.no_grad():
        before = last_logits(lm, ids)
        hooks = [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in lm.model.modules()]
        for run in (patching_maps, head_patching_map, attribution_map):
            with pytest.raises(RuntimeError, match="the metric fails"):
                run(lm, pairs, AtLastToken(fails))
            run(lm, pairs, MARGIN)
        after = [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in lm.model.modules()]
        assert hooks == after
        assert torch.equal(before, last_logits(lm, ids))
    assert all(each.grad is None for each in lm.model.parameters())


def test_the_quick_map_is_the_derivative_of_the_exact_one(lm, pairs):
    """For a small change first order is all there is; for the whole change it need not be."""
    pair = pairs[0]
    sites = ["attn_out", "mlp_out", "resid_post"]
    quick = attribution_map(lm, pairs, MARGIN, sites=sites)
    layer, token = 1, len(pair.corrupt) - 1
    for site in sites:
        module, step = module_at(lm, HookPoint(layer, site)), 1e-3
        clean = kept(lm, pair.clean.token_ids, module)[0, token]

        def nudge(hidden, step, clean=clean):
            hidden = hidden.clone()
            hidden[0, token] += step * (clean - hidden[0, token])
            return hidden

        def value(step, module=module, nudge=nudge):
            with torch.no_grad(), hooked_modules({module: lambda h: nudge(h, step)}):
                return margin(last_logits(lm, pair.corrupt.token_ids)[:, -1:])[0]

        slope = (value(step) - value(-step)) / (2 * step)
        found = quick[site].metric[0, layer, token] - quick[site].corrupt[0]
        torch.testing.assert_close(found, slope, rtol=2e-2, atol=2e-3)


def test_the_agreement_of_a_map_with_itself_is_whole_and_with_noise_is_not(lm, pairs):
    exact = patching_maps(lm, pairs, MARGIN)["mlp_out"]
    same = agreement(exact, exact)
    assert same.pearson == pytest.approx(1) and same.spearman == pytest.approx(1)
    assert same.top_shared == 1
    noise = replace(exact, metric=torch.randn(exact.metric.shape, generator=torch.manual_seed(0)))
    assert abs(agreement(noise, exact).pearson) < 0.5
    quick = attribution_map(lm, pairs, MARGIN)["mlp_out"]
    assert agreement(quick, exact).pearson > 0.3


def test_spans_of_different_length_are_paired_from_their_ends(lm, pairs):
    pair = pairs[1]
    clean, corrupt = pair.clean.spans, pair.corrupt.spans
    extra = len(corrupt["framing"]) - len(clean["framing"])
    assert extra > 0
    start = corrupt["framing"].start
    assert pair.source[start : start + extra] == (None,) * extra
    assert pair.source[start + extra] == clean["framing"].start
    assert pair.source[-1] == len(pair.clean) - 1
    assert pair.first_difference == start
    for name in ("question", "header"):
        assert pair.source[corrupt[name].start] == clean[name].start


def test_a_prompt_without_framing_is_paired_with_one_that_has_it(lm):
    framings = {"none": Framing(""), "trigger": Framing("It looks like a duck.")}
    none, trigger = render(lm.tokenizer, QUESTIONS[:1], framings)
    pair = aligned(trigger, none)
    assert pair.source[-1] == len(trigger) - 1
    question = none.spans["question"]
    at = pair.source[question.stop - 1]
    assert at == trigger.spans["question"].stop - 1
    framing = trigger.spans["framing"]
    back = aligned(none, trigger).source
    assert back[framing.start : framing.stop] == (None,) * len(framing)
    assert back[framing.start - 1] == framing.start - 1


def test_what_does_not_align_is_named(one_lm, some_prompts):
    clean = some_prompts[0]
    longer = replace(clean, token_ids=(*clean.token_ids, 9))
    with pytest.raises(ValueError, match=r"clean tokens correspond to \d+ corrupt ones at the end"):
        aligned(clean, longer)
    with pytest.raises(ValueError, match="tokens aligned, but the corrupt prompt has"):
        Pair(clean, clean, (0, 1))
    with pytest.raises(ValueError, match="must exist and increase"):
        Pair(clean, clean, (1, 0, *range(2, len(clean))))
    with pytest.raises(ValueError, match="unknown site 'z'"):
        patching_maps(one_lm, [aligned(clean, clean)], MARGIN, sites=["z"])
    with pytest.raises(ValueError, match="no layer 3; its layers are 0 to 2"):
        patching_maps(one_lm, [aligned(clean, clean)], MARGIN, layers=[3])
    with pytest.raises(ValueError, match="2 metrics for 1 pairs"):
        patching_maps(one_lm, [aligned(clean, clean)], [MARGIN, MARGIN])
    with pytest.raises(ValueError, match="no pairs to patch"):
        patching_maps(one_lm, [], MARGIN)
