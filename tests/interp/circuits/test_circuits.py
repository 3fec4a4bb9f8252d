"""Circuits run alone, planted circuits found, pictures drawn, graphs written."""

import json
from dataclasses import replace

import pytest
import torch
from sklearn.metrics import roc_auc_score

import interp as tl
from interp.circuits.attribution import edge_scores
from interp.circuits.graph import Graph, Node, Port
from interp.circuits.keep import circuit_curves, faithfulness
from interp.circuits.planted import planted
from interp.circuits.viewer import export_graph
from interp.patching.plain import measured_pairs
from tests.interp.circuits.test_edges import MARGIN, pairs_of, streams

CLOSE = {"rtol": 1e-3, "atol": 1e-3}


def auroc(known, scores):
    edges = scores.graph.edges
    return roc_auc_score(known.edges[edges].numpy(), scores.edges.mean(0)[edges].abs().numpy())


@pytest.mark.parametrize("kind", ["llama", "qwen"])
def test_the_edges_of_planted_circuits_are_found(kind):
    found, blind = [], []
    for seed in (1, 2):
        known = planted(seed, kind=kind)
        pairs, metrics, _ = measured_pairs(known.lm, known.clean, known.corrupt, ("yes", "no"))
        scores = edge_scores(known.lm, pairs, metrics)
        assert float(scores.clean) > float(scores.corrupt) + 0.5
        found.append(auroc(known, scores))
        noise = torch.randn(scores.edges.shape, generator=torch.Generator().manual_seed(seed))
        blind.append(auroc(known, replace(scores, edges=noise)))
    assert min(found) >= 0.95
    assert max(blind) < 0.9


def test_a_planted_circuit_alone_does_what_the_model_does_and_random_ones_do_not():
    known = planted(2)
    pairs, metrics, _ = measured_pairs(known.lm, known.clean, known.corrupt, ("yes", "no"))
    size, edges = int(known.edges.sum()), Graph.of(known.lm).edges
    order = torch.rand(edges.shape, generator=torch.Generator().manual_seed(0)) * edges
    random = order >= order.flatten().topk(size).values.min()
    own, others, chance = faithfulness(
        known.lm, pairs, metrics, torch.stack([known.edges, edges & ~known.edges, random])
    )[:, 0].tolist()
    assert own > 0.9 and abs(others) < 0.1 and abs(chance) < 0.1


def test_all_edges_do_everything_and_none_nothing_in_every_family(lm):
    pairs, edges = pairs_of(lm), Graph.of(lm).edges
    found = faithfulness(lm, pairs, MARGIN, torch.stack([edges, torch.zeros_like(edges)]))
    torch.testing.assert_close(found, torch.tensor([[1.0, 1.0], [0.0, 0.0]]), **CLOSE)


def test_edges_into_the_logits_alone_are_the_direct_effect(lm):
    """Every node writes what it writes in the clean run; only the last port's edges are told apart."""
    pair, graph = pairs_of(lm)[0], Graph.of(lm)
    kept = graph.edges.clone()
    cut = graph.nodes.index(Node(2, "mlp")), graph.ports.index(Port(3, "logits"))
    kept[cut] = False
    share = float(faithfulness(lm, [pair], MARGIN, kept[None])[0, 0])
    clean, corrupt = streams(lm, pair.clean), streams(lm, pair.corrupt)
    stream = clean.after - clean.writes[-1] + corrupt.writes[-1]
    last = [lm.logits_of(each)[0, -1] for each in (stream, clean.after, corrupt.after)]
    values = [float(logits[[10, 11]].mean() - logits[20]) for logits in last]
    assert share == pytest.approx((values[0] - values[2]) / (values[1] - values[2]), abs=1e-3)
    assert share != pytest.approx(1, abs=1e-2)


def test_curves_have_the_circuit_beside_random_circuits_of_its_size():
    known = planted(2)
    pairs, metrics, _ = measured_pairs(known.lm, known.clean, known.corrupt, ("yes", "no"))
    scores = edge_scores(known.lm, pairs, metrics)
    found = circuit_curves(known.lm, pairs, metrics, scores, shares=(0.02, 0.1, 1.0), draws=2)
    assert found.sizes == (7, 34, 343)
    assert (
        float(found.faithfulness[1, 0]) > 0.9 > float(found.random_faithfulness[:, 1].max()) + 0.5
    )
    assert float(found.faithfulness[-1, 0]) == pytest.approx(1, abs=1e-3)
    assert float(found.completeness[-1, 0]) == pytest.approx(0, abs=1e-3)
    assert "random circuits: 2 draws" in found.plot().layout.title.text


def test_a_circuit_from_strings_is_drawn_and_written_for_circuit_tracer(one_lm, tmp_path):
    clean, corrupt = "what about my money and my health?", "what about my duck and my health?"
    found = tl.circuit(one_lm, clean, corrupt, (" money", " duck"), verify=2)
    assert (found.forward, found.backward) == (9, 5) and found.tokens[4] == " duck"
    title = found.plot(edges=5).layout.title.text
    assert "n = 1 pair; 5 of" in title and "' money' against ' duck'" in title
    for name in ("first", "second", "first"):
        path = export_graph(found, tmp_path, name=name, edges=20)
    graph = json.loads(path.read_text())
    nodes = {node["node_id"]: node for node in graph["nodes"]}
    assert all(link["source"] in nodes and link["target"] in nodes for link in graph["links"])
    kinds = {node["feature_type"] for node in nodes.values()}
    assert kinds <= {"embedding", "cross layer transcoder", "logit"} and "logit" in kinds
    assert graph["metadata"]["prompt_tokens"] == list(found.tokens)
    listed = json.loads((tmp_path / "graph-metadata.json").read_text())["graphs"]
    assert [each["slug"] for each in listed] == ["second", "first"]
    strongest = found.circuit(20).sum()
    whole = sum(found.edges.mean(0)[found.circuit(20)].tolist())
    assert strongest == 20 and sum(link["weight"] for link in graph["links"]) == pytest.approx(
        whole, abs=1e-4
    )


def test_bad_requests_are_one_line(one_lm, tmp_path):
    found = edge_scores(one_lm, pairs_of(one_lm), MARGIN, steps=1)
    with pytest.raises(ValueError, match="do not contain their prompt's tokens"):
        export_graph(found, tmp_path, name="x")
    with pytest.raises(ValueError, match=r"name='\.\./x': give letters"):
        export_graph(found, tmp_path, name="../x")
    (tmp_path / "graph-metadata.json").write_text("[]")
    with pytest.raises(ValueError, match="is not a list of graphs"):
        export_graph(replace(found, tokens=("a",) * 60), tmp_path, name="x")
    with pytest.raises(ValueError, match="size=9999: this model has"):
        found.circuit(9999)
    with pytest.raises(ValueError, match=r"circuits of .* nodes and ports for a model of"):
        faithfulness(one_lm, pairs_of(one_lm), MARGIN, torch.zeros(1, 2, 2, dtype=torch.bool))
