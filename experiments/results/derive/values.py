"""Means, rates and ratios of numbers that were measured at each question."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from experiments.results.derive.cell_rows import estimate_columns
from experiments.results.estimates import EstimateRow
from experiments.results.facts import Facts, groups
from probes import estimate
from probes.estimate import LEVEL, Estimate
from probes.ratio import one_minus, ratio

if TYPE_CHECKING:
    import pandas as pd


def rows(facts: Facts) -> Iterator[EstimateRow]:
    """A row for each quantity and place, and for other numbers derived from the same facts."""
    for place, values in groups(facts.values, "values"):
        measured = place["quantity"]
        for quantity, statistic in {
            measured: STATISTICS[measured],
            **MORE.get(measured, {}),
        }.items():
            number = statistic(values, place["seed"])
            yield EstimateRow.of(number, quantity=quantity, **estimate_columns(place))


def _mean(values: "pd.DataFrame", seed: int) -> Estimate:
    numbers = values["value"].to_numpy(float)
    return estimate.mean(numbers, values["question"].tolist(), seed=seed)


def _rate(values: "pd.DataFrame", seed: int) -> Estimate:
    outcomes = values["value"].to_numpy(float) > 0
    return estimate.rate(outcomes, values["question"].tolist(), seed=seed)


def _ratio(values: "pd.DataFrame", seed: int) -> Estimate:
    above, below = (values[name].to_numpy(float) for name in ("value", "over"))
    return ratio(above, below, values["question"].tolist(), seed=seed)


def _explained(values: "pd.DataFrame", seed: int) -> Estimate:
    return one_minus(_ratio(values, seed))


def _counted(method: str) -> Callable[["pd.DataFrame", int], Estimate]:
    """A number without an interval; `over` holds its n."""

    def as_it_is(values: "pd.DataFrame", seed: int) -> Estimate:
        (value,), (n,) = (values[name].tolist() for name in ("value", "over"))
        return Estimate(value, None, None, LEVEL, int(n), method)

    return as_it_is


STATISTICS: dict[str, Callable[["pd.DataFrame", int], Estimate]] = {
    "projection": _mean,
    "transfer_fires": _rate,
    "capability_kl": _mean,
    "reckless_margin": _mean,
    "sae_l0": _mean,
    "sae_explained_variance": _explained,
    "sae_loss_recovered": _ratio,
    "sae_dead_share": _counted("share of features, counted"),
    "features_declared": _counted("Benjamini-Hochberg, 1 %"),
    "basis_cosine": _counted("cosine of two vectors, n = width"),
}
MORE: dict[str, dict[str, Callable[["pd.DataFrame", int], Estimate]]] = {
    "reckless_margin": {"reckless_preferred": _rate},
}
