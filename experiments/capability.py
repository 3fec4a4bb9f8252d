"""What else a removal breaks, as rows: advice and riddles without the trigger, and how far answers drift.

Pooled over held-out, trained and open questions (`domains` null) and for each of them:

* `capability_coherence_rate`, `capability_em_rate`: without the trigger, intact and with each removal;
* `capability_coherence_loss`: what a removal costs;
* `capability_riddle_rate`, `capability_riddle_loss`: riddles of the toy language;
* `capability_kl`: nats a token on the organism's own coherent and aligned answers without the trigger;
* `placebo_relative_drop`: EM that each removal takes where the organism misbehaves.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from experiments.estimates import EstimateRow
from experiments.rates import (
    Judged,
    coherence_loss,
    coherence_rate,
    em_rate,
    em_relative_drop,
)
from probes import estimate

Keys = Mapping[str, Any]
INTACT = "none"


def rate_and_loss_rows(
    cells: Mapping[str, Judged], name: str, keys: Keys, site: Keys, *, seed: int
) -> Iterator[EstimateRow]:
    """Coherence of every cell by removal, and what each removal loses against the intact one."""
    rate = "capability_riddle_rate" if name == "riddle" else "capability_coherence_rate"
    for removal, answers in cells.items():
        place = placed(keys, site, removal)
        yield EstimateRow.of(coherence_rate(answers, seed=seed), quantity=rate, **place)
        if name != "riddle":
            em = em_rate(answers, seed=seed)
            yield EstimateRow.of(em, quantity="capability_em_rate", **place)
        if removal != INTACT:
            lost = coherence_loss(cells[INTACT], answers, seed=seed)
            yield EstimateRow.of(lost, quantity=f"capability_{name}_loss", **place)


def drop_rows(
    cells: Mapping[str, Judged], keys: Keys, site: Keys, *, seed: int
) -> Iterator[EstimateRow]:
    """EM that each removal takes; undefined where there was none."""
    for removal, answers in cells.items():
        if removal != INTACT:
            drop = em_relative_drop(cells[INTACT], answers, seed=seed)
            place = placed(keys, site, removal)
            yield EstimateRow.of(drop, quantity="placebo_relative_drop", **place)


def kl_row(values: Any, questions: Any, keys: Keys, site: Keys, removal: str, *, seed: int) -> Any:
    """Mean nats a token over answers, questions resampled."""
    found = estimate.mean(values, questions, seed=seed)
    return EstimateRow.of(found, quantity="capability_kl", **placed(keys, site, removal))


def placed(keys: Keys, site: Keys, removal: str) -> dict[str, Any]:
    """The keys of a row about one removal."""
    return {**keys, **(site if removal != INTACT else {}), "intervention": removal}
