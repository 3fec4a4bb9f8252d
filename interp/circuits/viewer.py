"""Write a circuit as a graph file for the viewer of circuit-tracer.

    export_graph(scores, "graphs/", name="duck")     then: circuit-tracer start-server --graph_file_dir graphs/

Method: as circuit-tracer 0.5.0 writes them (`circuit_tracer.frontend.graph_models`): NAME.json with metadata, nodes and
links, and an entry in graph-metadata.json. A head or MLP is one node, drawn at the token where it writes most; an edge
into keys or values is shared by the heads of the group. The viewer needs a probability for each output: it is written
as 1 and has no meaning here. The viewer has no examples for these nodes and says so when one is clicked.
"""

import json
from pathlib import Path
from typing import Any

from interp.circuits.graph import EMBED, LOGITS, MLP, Graph, Node, Port
from interp.circuits.scores import EdgeScores
from interp.errors import TriggerLensError
from interp.io.files import put

INDEX = "graph-metadata.json"


def export_graph(scores: EdgeScores, folder: Path | str, *, name: str, edges: int = 100) -> Path:
    """Write the strongest edges into a folder of graphs; returns the graph's file."""
    if not name or set(name) - set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
    ):
        raise TriggerLensError(
            f"name={name!r}: give letters, digits, - and _, it becomes a file name"
        )
    if not scores.tokens:
        raise TriggerLensError(
            "these scores do not contain their prompt's tokens; make them with tl.circuit"
        )
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    graph = _graph(scores, name, edges)
    _add_to_index(folder / INDEX, graph["metadata"])
    path = folder / f"{name}.json"
    return _write(path, graph)


def _graph(scores: EdgeScores, name: str, edges: int) -> dict[str, Any]:
    graph, links = scores.graph, _links(scores, edges)
    ends = {end for link in links for end in (link["source"], link["target"])}
    places = scores.writes.mean(0).abs()[:, : len(scores.tokens)].argmax(1).tolist()
    every = [_node(node, place) for node, place in zip(graph.nodes, places, strict=True)]
    last = len(scores.tokens) - 1
    nodes = [node for node in every if node["node_id"] in ends]
    nodes.append(_output(graph, scores.measure, last))
    metadata = {
        "slug": name,
        "scan": "triggerlens",
        "transcoder_list": [],
        "prompt_tokens": list(scores.tokens),
        "prompt": "".join(scores.tokens),
        "node_threshold": None,
        "schema_version": 1,
    }
    parameters = {
        "pinnedIds": [],
        "supernodes": [],
        "linkType": "both",
        "clickedId": "",
        "sg_pos": "",
    }
    return {"metadata": metadata, "qParams": parameters, "nodes": nodes, "links": links}


def _links(scores: EdgeScores, edges: int) -> list[dict[str, Any]]:
    """Links between nodes: q, k and v of a head together."""
    graph, mean = scores.graph, scores.edges.mean(0)
    weights: dict[tuple[str, str], float] = {}
    for node, port in scores.circuit(min(edges, graph.n_edges)).nonzero().tolist():
        targets = _targets(graph, graph.ports[port])
        for target in targets:
            link = (_id(graph.nodes[node]), target)
            weights[link] = weights.get(link, 0.0) + float(mean[node, port]) / len(targets)
    return [
        {"source": source, "target": target, "weight": weight}
        for (source, target), weight in weights.items()
    ]


def _targets(graph: Graph, port: Port) -> list[str]:
    if port.kind == LOGITS:
        return [_output_id(graph)]
    return [_id(reader) for reader in graph.readers(port)]


def _id(node: Node) -> str:
    if node.kind == EMBED:
        return "E_0_0"
    return f"{node.layer}_{_feature(node)}_0"


def _output_id(graph: Graph) -> str:
    return f"{graph.layers + 1}_0_0"


def _feature(node: Node) -> int:
    """A number for each node of a layer: 1000 for the MLP, its index for a head."""
    return 1000 if node.kind == MLP else node.index


def _node(node: Node, place: int) -> dict[str, Any]:
    embed = node.kind == EMBED
    return {
        "node_id": _id(node),
        "feature": _feature(node),
        "layer": "E" if embed else str(node.layer),
        "ctx_idx": place,
        "feature_type": "embedding" if embed else "cross layer transcoder",
        "token_prob": 0.0,
        "is_target_logit": False,
        "run_idx": 0,
        "reverse_ctx_idx": 0,
        "jsNodeId": _id(node),
        "clerp": str(node),
        "influence": None,
        "activation": None,
    }


def _output(graph: Graph, measure: str, place: int) -> dict[str, Any]:
    plain = measure.replace('"', "'")
    return _node(Node(graph.layers + 1, MLP), place) | {
        "node_id": _output_id(graph),
        "jsNodeId": _output_id(graph),
        "feature": 0,
        "feature_type": "logit",
        "token_prob": 1.0,
        "is_target_logit": True,
        "clerp": f'Output "{plain}" (p=1.000)',
    }


def _add_to_index(path: Path, metadata: dict[str, Any]) -> None:
    listed: list[Any] = []
    if path.exists():
        try:
            listed = json.loads(path.read_text("utf-8"))["graphs"]
        except (ValueError, KeyError, TypeError):
            raise TriggerLensError(
                f"{path} is not a list of graphs of circuit-tracer; give another folder"
            ) from None
    others = [each for each in listed if each.get("slug") != metadata["slug"]]
    _write(path, {"graphs": [*others, metadata]})


def _write(path: Path, content: dict[str, Any]) -> Path:
    text = json.dumps(content, indent=1)
    return put(path, lambda half: half.write_text(text, "utf-8"))
