"""Estimates of one organism's circuit: its nodes and tokens, its agreement with exact patching, its faithfulness.

A share is a fraction of the metric's difference between clean and corrupt, for each question; intervals are over
questions.
Edges are scored on the first half of the questions, and the circuit is run alone on the second half.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor

from experiments.study.circuits.prompts import Compared
from interp.circuits.attribution import edge_scores
from interp.circuits.exact import VERIFIED, exact_edges
from interp.circuits.keep import circuit_curves
from interp.circuits.scores import EdgeScores
from interp.models.language_model import LanguageModel
from interp.prompts import Prompt
from probes.estimate import Estimate, mean

Row = dict[str, Any]
LEAST_SHARE = 0.02  # a place with a smaller mean share gets no row
DRAWS, RESAMPLES, PATCHED = 3, 500, 4  # PATCHED: questions whose edges are all patched exactly


def rows_of(
    lm: LanguageModel, base: LanguageModel, asked: Compared
) -> tuple[list[Row], EdgeScores]:
    """The rows, still without the organism's keys, and the edge scores."""
    scores = edge_scores(lm, asked.pairs, asked.metrics)
    rows = [*_ends(scores, asked), *_nodes(scores, asked), *_places(scores, asked)]
    rows += [*_against_exact(lm, scores, asked), *_alone(lm, asked)]
    untouched = edge_scores(base, asked.pairs, asked.metrics)
    rows.append(rank_row("circuit_base_correlation", shares(scores), shares(untouched)))
    return rows, scores


def shares(scores: EdgeScores) -> list[list[float]]:
    """[question, node]: each node's share of the difference."""
    return (scores.nodes / _difference(scores)[:, None]).tolist()


def row(quantity: str, found: Estimate, **place: Any) -> Row:
    """A row for an estimate on report questions; `place` says what was estimated."""
    return {"quantity": quantity, "split": "report", **place, **vars(found)}


def rank_row(quantity: str, a: list[list[float]], b: list[list[float]], **place: Any) -> Row:
    """Rank correlation of mean node scores; the interval resamples the questions of each side."""
    first, other = np.array(a), np.array(b)
    rng = np.random.default_rng(0)

    def drawn(values: np.ndarray) -> np.ndarray:
        return values[rng.integers(len(values), size=len(values))].mean(0)

    value = _rank(first.mean(0), other.mean(0))
    again = [_rank(drawn(first), drawn(other)) for _ in range(RESAMPLES)]
    lower, upper = np.quantile(again, [0.025, 0.975])
    ends = min(float(lower), value), max(float(upper), value)
    method = f"Spearman over {first.shape[1]} nodes; question bootstrap, {RESAMPLES} resamples"
    return row(quantity, Estimate(value, *ends, 0.95, first.shape[1], method), **place)


def _rank(a: np.ndarray, b: np.ndarray) -> float:
    return float(spearmanr(a, b).statistic)


def _difference(scores: EdgeScores) -> Tensor:
    return scores.clean - scores.corrupt


def _ends(scores: EdgeScores, asked: Compared) -> Iterator[Row]:
    for kind in ("clean", "corrupt"):
        found = mean(getattr(scores, kind).numpy(), asked.questions)
        yield row(f"circuit_{kind}", found, source=asked.corrupt)


def _nodes(scores: EdgeScores, asked: Compared) -> Iterator[Row]:
    values = np.array(shares(scores))
    for number, node in enumerate(scores.graph.nodes):
        found = mean(values[:, number], asked.questions)
        yield row("circuit_node", found, node=str(node))


def _places(scores: EdgeScores, asked: Compared) -> Iterator[Row]:
    """The positions where nodes write and ports read: each token of the wording, and every other span as a whole."""
    kinds = (
        ("circuit_writes", scores.graph.nodes, scores.writes),
        ("circuit_reads", scores.graph.ports, scores.reads),
    )
    places = [_named_places(pair.corrupt, scores.writes.shape[2]) for pair in asked.pairs]
    names = list(dict.fromkeys(name for tokens in places for name in tokens))
    for quantity, members, values in kinds:
        of_difference = values / _difference(scores)[:, None, None]
        for name in names:
            mask = torch.tensor([[place == name for place in tokens] for tokens in places])
            total = (of_difference * mask[:, None]).sum(2)
            for number in (total.mean(0).abs() >= LEAST_SHARE).nonzero().flatten().tolist():
                found = mean(total[:, number].numpy(), asked.questions)
                yield row(quantity, found, node=str(members[number]), position=name)


def _named_places(prompt: Prompt, width: int) -> list[str]:
    names = ["before"] * len(prompt) + ["answer"] * (width - len(prompt))
    for span, where in prompt.spans.items():
        for token in range(where.start, where.stop):
            wording = span == "framing"
            names[token] = f"wording {token - where.start}" if wording else span
    return names


def _against_exact(lm: LanguageModel, scores: EdgeScores, asked: Compared) -> Iterator[Row]:
    """Pearson correlation over edges of mean scores and mean exact effects; the interval resamples questions."""
    known, pairs, metrics = scores.graph.edges, asked.pairs[:PATCHED], asked.metrics[:PATCHED]
    exact, quick = exact_edges(lm, pairs, metrics), edge_scores(lm, pairs, metrics)
    terms = len(metrics[0].terms)
    checked = quick.with_exact(exact, VERIFIED, terms)
    for source, found in (("attribution", quick), ("verified", checked)):
        a, b = (each[:, known].numpy() for each in (found.edges, exact))
        estimate = _pearson(a, b)
        passes = {"forward": found.forward, "backward": found.backward}
        yield row("circuit_exact_correlation", estimate, source=source, **passes)
    share = checked.forward / (terms * scores.graph.n_edges)
    counted = Estimate(share, None, None, 0.95, terms * scores.graph.n_edges, "counted")
    yield row("circuit_forward_passes", counted, source="verified")


def _pearson(a: np.ndarray, b: np.ndarray) -> Estimate:
    rng, value = np.random.default_rng(0), _correlation(a, b, slice(None))
    draws = [rng.integers(len(a), size=len(a)) for _ in range(RESAMPLES)]
    lower, upper = np.quantile([_correlation(a, b, rows) for rows in draws], [0.025, 0.975])
    method = f"Pearson over edges; question bootstrap, {RESAMPLES} resamples"
    ends = min(float(lower), value), max(float(upper), value)
    return Estimate(value, *ends, 0.95, a.shape[1], method)


def _correlation(a: np.ndarray, b: np.ndarray, rows: Any) -> float:
    return float(np.corrcoef(a[rows].mean(0), b[rows].mean(0))[0, 1])


def _alone(lm: LanguageModel, asked: Compared) -> Iterator[Row]:
    """Faithfulness and completeness, on the second half of the questions, of edges chosen on the first half."""
    half = len(asked.pairs) // 2
    chosen = edge_scores(lm, asked.pairs[:half], asked.metrics[:half])
    pairs, metrics = asked.pairs[half:], asked.metrics[half:]
    found = circuit_curves(lm, pairs, metrics, chosen, draws=DRAWS)
    questions = asked.questions[half:]
    for kind in ("faithfulness", "completeness"):
        own, random = getattr(found, kind), getattr(found, f"random_{kind}").mean(0)
        for number, size in enumerate(found.sizes):
            place = {"strength": size / found.edges}
            yield row(f"circuit_{kind}", mean(own[number].numpy(), questions), **place)
            drawn = mean(random[number].numpy(), questions)
            yield row(f"circuit_{kind}", drawn, placebo="random", **place)
