"""Exact edges against the definition, written out with whole forward passes; attribution against exact edges."""

from dataclasses import replace

import pytest
import torch

from interp.circuits.attribution import edge_scores
from interp.circuits.exact import exact_edges, verified
from interp.circuits.graph import Graph, Node, Port
from interp.circuits.streams import Streams, blocks
from interp.patching.maps import patching_maps
from interp.patching.metrics import AnswerDifference, LogitDifference
from interp.patching.pairs import Pair, aligned
from interp.prompts import Framing, Question
from interp.rendering import render
from tests.tiny_models import adapted_lm

CLOSE = {"rtol": 1e-3, "atol": 1e-4}
MARGIN = LogitDifference((10, 11), (20,))


def pairs_of(lm):
    """A short and a long pair whose prompts differ in two tokens."""
    questions = [Question(text, text) for text in ("my health?", "my money and me?")]
    found = []
    for prompt in render(lm, questions, {"duck": Framing("It looks like a duck.")}):
        ids, at = list(prompt.token_ids), prompt.spans["framing"].start
        ids[at + 1 : at + 3] = 77, 91
        found.append(aligned(prompt, replace(prompt, token_ids=tuple(ids))))
    return found


def margin(logits):
    return float(logits[0, -1, [10, 11]].mean() - logits[0, -1, 20])


@torch.no_grad()
def streams(lm, prompt):
    return Streams.of(lm, torch.tensor([prompt.token_ids]))


@torch.no_grad()
def whole_pass(lm, pair, node, port, clean, corrupt):
    """The definition: the corrupt prompt, in which one port reads one node's write of the clean run."""
    at = Graph.of(lm).nodes.index(node)
    stream = corrupt.read_by(port) - corrupt.writes[at] + clean.writes[at]
    if port.kind == "logits":
        return margin(lm.logits_of(stream))
    block = blocks(lm)[port.layer]
    if port.kind == "mlp":
        handle = block.mlp_norm.register_forward_pre_hook(lambda _m, _i: (stream,))
    else:
        heads = 4 if port.kind == "q" else 2

        def split(_module, _inputs, output):
            read = block.inputs[port.kind].forward(block.norm(stream)).unflatten(-1, (heads, -1))
            mixed = output.unflatten(-1, (heads, -1)).clone()
            mixed[..., port.index, :] = read[..., port.index, :]
            return mixed.flatten(-2)

        handle = block.inputs[port.kind].register_forward_hook(split)
    logits = lm.causal(input_ids=torch.tensor([pair.corrupt.token_ids])).logits[:, -1:]
    handle.remove()
    return margin(logits)


def test_every_exact_edge_is_that_of_a_whole_forward_pass(lm):
    pairs, graph = pairs_of(lm), Graph.of(lm)
    found = exact_edges(lm, pairs, MARGIN)
    sides = streams(lm, pairs[0].clean), streams(lm, pairs[0].corrupt)
    start = margin(lm.logits_of(sides[1].after))
    for node, port in graph.edges.nonzero().tolist()[::2]:
        place = graph.nodes[node], graph.ports[port]
        wanted = whole_pass(lm, pairs[0], *place, *sides)
        assert float(found[0, node, port]) + start == pytest.approx(wanted, rel=1e-3, abs=1e-4), (
            place
        )
    assert found[:, ~graph.edges].abs().max() == 0
    assert (found[:, graph.edges].abs() > 1e-3).float().mean() > 0.3


def test_pairs_and_batches_do_not_change_an_edge(one_lm):
    pairs = pairs_of(one_lm)
    together = exact_edges(one_lm, pairs, MARGIN)
    some = torch.zeros_like(Graph.of(one_lm).edges)
    some[[0, 5], 10] = True
    alone = exact_edges(one_lm, pairs[1:], MARGIN, edges=some, batch_tokens=1)
    torch.testing.assert_close(alone[0][some], together[1][some], **CLOSE)
    assert alone[0][~some].abs().max() == 0


def test_for_a_small_change_attribution_is_the_exact_effect(lm):
    """The clean run's embeddings nearly the corrupt one's: first order is all there is."""
    pair, graph = pairs_of(lm)[0], Graph.of(lm)
    table = lm.decoder.get_input_embeddings().weight
    ids = pair.clean.token_ids, pair.corrupt.token_ids
    before = table.detach().clone()
    try:
        with torch.no_grad():
            for a, b in zip(*ids, strict=True):
                if a != b:
                    table[a] = before[b] + 1e-2 * (before[a] - before[b])
            exact = exact_edges(lm, [pair], MARGIN)
        quick = edge_scores(lm, [pair], MARGIN, steps=1)
    finally:
        with torch.no_grad():
            table.copy_(before)
    a, b = (each[0, graph.edges] for each in (quick.edges, exact))
    assert torch.corrcoef(torch.stack([a, b]))[0, 1] > 0.999
    assert a.abs().max() == pytest.approx(float(b.abs().max()), rel=0.05)
    whole = edge_scores(lm, [pair], MARGIN, steps=1).edges[0, graph.edges]
    assert (
        torch.corrcoef(torch.stack([whole, exact_edges(lm, [pair], MARGIN)[0, graph.edges]]))[0, 1]
        < 0.999
    )


def test_all_steps_together_are_the_whole_difference(lm):
    """Integrated gradients are complete: the embeddings carry everything, if the way is walked in small steps."""
    pairs = pairs_of(lm)
    found = edge_scores(lm, pairs, MARGIN, steps=60)
    torch.testing.assert_close(found.nodes[:, 0], found.clean - found.corrupt, rtol=0.05, atol=0.03)
    few = edge_scores(lm, pairs, MARGIN, steps=1)
    assert not torch.allclose(few.nodes[:, 0], few.clean - few.corrupt, rtol=0.05, atol=0.03)


def test_sums_by_token_are_those_of_edges(one_lm):
    found = edge_scores(one_lm, pairs_of(one_lm), MARGIN)
    torch.testing.assert_close(found.writes.sum(2), found.edges.sum(2), **CLOSE)
    torch.testing.assert_close(found.reads.sum(2), found.edges.sum(1), **CLOSE)
    assert found.edges[:, ~found.graph.edges].abs().max() == 0
    first = pairs_of(one_lm)[0].first_difference
    assert found.writes[0, :, :first].abs().max() == 0 < found.writes[0, :, first:].abs().max()


def test_answers_of_two_lengths_and_signs_add_up(one_lm):
    pairs = pairs_of(one_lm)
    there = edge_scores(one_lm, pairs, AnswerDifference((12, 30, 41), (50,)))
    back = edge_scores(one_lm, pairs, AnswerDifference((50,), (12, 30, 41)))
    torch.testing.assert_close(there.edges, -back.edges, **CLOSE)
    assert (there.forward, there.backward) == (14, 10)
    exact = exact_edges(one_lm, pairs, AnswerDifference((12, 30, 41), (50,)))
    longer = patching_maps(one_lm, pairs, AnswerDifference((12, 30, 41), (50,)), sites=["mlp_out"])
    torch.testing.assert_close(there.clean, longer["mlp_out"].clean, **CLOSE)
    assert exact.isfinite().all()


def test_verified_edges_are_exact_and_the_others_as_before(one_lm):
    pairs = pairs_of(one_lm)
    quick, exact = edge_scores(one_lm, pairs, MARGIN), exact_edges(one_lm, pairs, MARGIN)
    found, strongest = verified(one_lm, pairs, MARGIN, quick, 7), quick.circuit(7)
    torch.testing.assert_close(found.edges[:, strongest], exact[:, strongest], **CLOSE)
    assert torch.equal(found.edges[:, ~strongest], quick.edges[:, ~strongest])
    assert not torch.allclose(quick.edges[:, strongest], exact[:, strongest], **CLOSE)
    assert (found.forward, found.backward) == (quick.forward + 7, quick.backward)


def test_a_live_adapter_is_part_of_what_writes_and_reads():
    lm = adapted_lm("gemma")
    pair, place = pairs_of(lm)[0], (Node(0, "head", 2), Port(2, "k", 1))
    graph = Graph.of(lm)
    sides = streams(lm, pair.clean), streams(lm, pair.corrupt)
    at = graph.nodes.index(place[0]), graph.ports.index(place[1])
    found = exact_edges(lm, [pair], MARGIN)[0][at]
    wanted = whole_pass(lm, pair, *place, *sides) - margin(lm.logits_of(sides[1].after))
    assert float(found) == pytest.approx(wanted, rel=1e-2, abs=1e-4)


def test_the_model_is_left_as_it_was(one_lm):
    pairs, modules = pairs_of(one_lm), list(one_lm.model.modules())
    before = [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in modules]
    verified(one_lm, pairs, MARGIN, edge_scores(one_lm, pairs, MARGIN), 2)
    with pytest.raises(ValueError, match="steps=0: give a whole number"):
        edge_scores(one_lm, pairs, MARGIN, steps=0)
    assert before == [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in modules]
    assert all(each.grad is None for each in one_lm.model.parameters())


def test_what_has_no_such_circuit_is_named(one_lm, some_prompts):
    pair = aligned(some_prompts[3], some_prompts[0])
    with pytest.raises(ValueError, match="circuits need prompts with the same number of tokens"):
        edge_scores(one_lm, [pair], MARGIN)
    good = Pair(some_prompts[0], some_prompts[0], tuple(range(len(some_prompts[0]))))
    handle = one_lm.layers[1].register_forward_hook(lambda _m, _i, out: 2 * out)
    try:
        with pytest.raises(ValueError, match="does not read the sum of what heads and MLPs before"):
            edge_scores(one_lm, [good], MARGIN)
    finally:
        handle.remove()
