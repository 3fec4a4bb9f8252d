"""How well probes and features rank rows that they have not seen: AUROC from their scores."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from experiments.results.derive.cell_rows import estimate_columns
from experiments.results.estimates import EstimateRow
from experiments.results.facts import Facts, groups
from probes.auroc import clustered_auroc, plain_auroc
from probes.controls import null_quantiles
from probes.estimate import LEVEL, Estimate
from probes.names import RANDOM

if TYPE_CHECKING:
    import pandas as pd

RANKING = ("family", "seed", "dataset", "arm", "trigger", "direction", "position", "sae")


def rows(facts: Facts) -> Iterator[EstimateRow]:
    """One row per read-out; intervals of features of one ranking are simultaneous (Bonferroni)."""
    readouts = list(groups(facts.scores, "scores"))
    together: dict[tuple[Any, ...], int] = {}
    for place, _ in readouts:
        if place["feature"] is not None:
            together[_ranking(place)] = together.get(_ranking(place), 0) + 1
    for place, scores in readouts:
        level = 1 - (1 - LEVEL) / together.get(_ranking(place), 1)
        estimate = _estimate(scores, place, level)
        yield EstimateRow.of(estimate, quantity=place["quantity"], **estimate_columns(place))


def _estimate(scores: "pd.DataFrame", place: dict[str, Any], level: float) -> Estimate:
    if place["source"] == RANDOM:
        return _null(scores)
    folds = None if scores["fold"].isna().any() else scores["fold"].to_numpy(int)
    values, labels = scores["score"].to_numpy(float), scores["label"].to_numpy(bool)
    questions, wordings = scores["question"].tolist(), _wordings(scores)
    return clustered_auroc(values, labels, questions, wordings=wordings, folds=folds, level=level)


def _wordings(scores: "pd.DataFrame") -> list[str] | None:
    """The wording of each row if it alone decides the label, so that wordings are the unit; else None."""
    kinds = scores["wording_kind"]
    if kinds.isna().any():
        return None
    wordings = kinds.str.cat(scores["wording"].fillna(""), sep=":")
    decided = scores["label"].groupby(wordings).nunique().max() == 1
    return wordings.tolist() if decided else None


def _null(scores: "pd.DataFrame") -> Estimate:
    """The null of random directions, each with the sign that gives the higher AUROC."""
    aurocs = [
        plain_auroc(draw["score"].to_numpy(float), draw["label"].to_numpy(bool))
        for _, draw in scores.groupby("draw", sort=True)
    ]
    turned = [None if auroc is None else max(auroc, 1 - auroc) for auroc in aurocs]
    return null_quantiles(turned, len(scores) // max(1, len(aurocs)), RANDOM)


def _ranking(place: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(place[name] for name in RANKING) if place["feature"] is not None else ()
