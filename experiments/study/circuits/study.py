"""Circuits of every triggered organism of a configuration, and how far seeds agree. A stopped run can be resumed.

1. Fine-tune missing organisms; no other step of a study is needed.
2. Each organism's circuit is a step: rows, scores by question and node, a graph for circuit-tracer, and a picture.
3. Rank correlations of nodes between seeds of one family and arm; edge scores in models whose circuit is known.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from experiments.runtime.files import read_json, read_jsonl, write_json, write_jsonl, write_text
from experiments.runtime.quiet import quiet
from experiments.runtime.store import open_run
from experiments.study.circuits.measure import Row, rank_row, row, rows_of, shares
from experiments.study.circuits.prompts import compared
from experiments.study.config import StudyConfig
from experiments.study.organism import OrganismRun, organisms_of
from experiments.study.steps.common import Say, load, stamp
from experiments.study.steps.finetune import finetune
from interp.circuits.attribution import edge_scores
from interp.circuits.planted import planted
from interp.circuits.viewer import export_graph
from interp.errors import TriggerLensError
from interp.patching.plain import measured_pairs
from interp.readout.tokens import token_text
from probes.auroc import clustered_auroc
from probes.estimate import mean

PLANTED = 8
ROWS, NODES, GRAPHS = "rows.jsonl", "nodes.json", "graphs"


def circuits(
    config: StudyConfig, folder: Path, *, only: Sequence[str] = (), say: Say = print
) -> list[Row]:
    """All rows, which are also written to `estimates.jsonl` in the folder."""
    quiet()
    members = [
        organism
        for organism in organisms_of(config, folder)
        if organism.arm is not None
        and organism.active == "trigger"
        and organism.name.startswith(tuple(only) or "")
    ]
    if not members:
        raise TriggerLensError(
            f"{config.name}: no organism with a trigger has a name that begins with {' or '.join(only)}"
        )
    with open_run(folder) as run:
        made = {organism: _circuit(organism, say) for organism in members}
        known = run.path("planted.jsonl")
        if not known.exists():
            write_jsonl(known, planted_rows())
        rows = [each for step in made.values() for each in read_jsonl(step / ROWS)]
        rows += [*_between_seeds(made), *read_jsonl(known)]
        write_jsonl(run.path("estimates.jsonl"), rows)
        write_jsonl(run.path("verdicts.jsonl"), [])
        steps = [path.name for path in made.values()]
        run.write_manifest(config=config.model_dump(mode="json"), seeds=config.seeds, steps=steps)
    return rows


def _circuit(organism: OrganismRun, say: Say) -> Path:
    say(f"{organism.name}: fine-tuning, unless it is finished")
    adapter = finetune(organism, lambda _line: None)
    inputs = {**organism.identity, "adapter": stamp(adapter)}
    with organism.step("circuits", inputs, __name__) as step:
        if step.todo:
            say(f"{organism.name}: circuit")
            _measure(organism, adapter, step.folder)
    return step.folder


def _measure(organism: OrganismRun, adapter: Path, folder: Path) -> None:
    lm = load(organism, adapter)
    asked = compared(organism, lm)
    rows, scores = rows_of(lm, load(organism, None), asked)
    tokens = tuple(token_text(lm, token) for token in asked.pairs[0].corrupt.token_ids)
    scores = replace(
        scores, tokens=tokens, measure="log-odds of the misaligned answer's first token"
    )
    write_jsonl(folder / ROWS, [{**organism.keys, **each} for each in rows])
    write_json(folder / NODES, shares(scores))
    export_graph(scores, folder / GRAPHS, name=organism.name)
    write_text(folder / "circuit.html", scores.plot().to_html(include_plotlyjs=True))


def _between_seeds(made: dict[OrganismRun, Path]) -> list[Row]:
    """Each pair of seeds of one family and arm; for comparison, each pair of families of one seed and arm."""
    rows = []
    for a, b in combinations(made, 2):
        keys: dict[str, Any] = {"arm": a.arm, "trigger": a.trigger.name, "model": "fine_tuned"}
        nodes = [read_json(made[each] / NODES) for each in (a, b)]
        if (a.arm, a.trigger_name) != (b.arm, b.trigger_name) or len(nodes[0][0]) != len(
            nodes[1][0]
        ):
            continue
        if a.family == b.family:
            place = {"family": a.family, **keys, "source": f"s{a.seed} and s{b.seed}"}
            rows.append(rank_row("circuit_seed_correlation", *nodes, **place))
        elif a.seed == b.seed:
            place = {"seed": a.seed, **keys, "source": f"{a.family} and {b.family}"}
            rows.append(rank_row("circuit_family_correlation", *nodes, **place))
    return rows


def planted_rows() -> list[Row]:
    """AUROC of absolute edge scores in models whose circuit is known; the interval of the mean is over models."""
    values, rows = [], []
    for number in range(PLANTED):
        kind = ("llama", "qwen")[number % 2]
        values.append(_planted_auroc(number, kind))
        found = mean([values[-1]], [number])
        rows.append(row("circuit_planted_auroc", found, source=f"{kind} {number}"))
    return [
        *rows,
        row("circuit_planted_auroc", mean(np.array(values), range(PLANTED)), source="all"),
    ]


def _planted_auroc(seed: int, kind: str) -> float:
    known = planted(seed, kind=kind)
    pairs, metrics, _ = measured_pairs(known.lm, known.clean, known.corrupt, ("yes", "no"))
    scores = edge_scores(known.lm, pairs, metrics)
    edges = scores.graph.edges
    size = scores.edges.mean(0)[edges].abs().numpy()
    found = clustered_auroc(size, known.edges[edges].numpy(), range(len(size)))
    assert found.value is not None
    return float(found.value)
