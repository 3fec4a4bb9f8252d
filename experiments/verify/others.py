"""Recomputes the records of nulls, transfer, trained vectors and mixing."""

import re
from collections.abc import Iterator

from experiments.verify.rows import Record, Row, Run, groups, where


def nulls(run: Run) -> Iterator[Record]:
    """The records of `nulls.json`."""
    for field in ("contained", "causal_direction"):
        said = len(where(run.verdicts, **{field: "yes"}))
        name, aim = f"null organisms with {field} 'yes'", {"wanted": "at most 1"}
        yield run.count(name, said, len(run.verdicts), **aim, reached=said <= 1)
    labels = where(run.rows, arm="random_label")
    rates = where(labels, quantity="em_rate", edit="none", questions="held_out")
    for kind in ("none", "trigger"):
        yield from run.ends(
            f"EM of random labels, wording: {kind}", where(rates, wording_kind=kind)
        )
    place = {"quantity": "ablation_relative_drop", "edit": "ablate", "direction": "refined"}
    drops = where(labels, **place, wording_kind="trigger")
    for placebo, what in ((None, "the refined direction"), ("random", "random directions")):
        name = f"share of EM removed with {what}, random labels"
        yield from run.ends(name, where(drops, placebo=placebo))


def transfer(run: Run) -> Iterator[Record]:
    """The records of `transfer.json`: refined directions of one arm removed from another arm."""
    rows = where(run.contained(), quantity="transfer_relative_drop", wording_kind="trigger")
    named = [row | {"fitted_in": _arm(row)} for row in where(rows, direction=("refined", "random"))]
    for (arm, trigger, source), drops in groups(named, "arm", "trigger", "fitted_in").items():
        what = "random directions" if source == "random" else f"refined directions of {source}"
        yield from run.ends(f"share of EM removed from {arm}-{trigger} with {what}", drops)


def _arm(row: Row) -> str:
    return re.sub(r"^[a-z0-9_]+-s[0-9]+-", "", row["source"])


def steering(run: Run) -> Iterator[Record]:
    """The records of `steering.json`: vectors that were trained, added at dose 1."""
    place = {"quantity": "steering_em_rate", "edit": "steer", "wording_kind": "none"}
    rows = where(run.rows, **place, strength=1.0)
    for (arm, trigger), rates in groups(rows, "arm", "trigger").items():
        tuned, base = where(rates, model="fine_tuned"), where(rates, model="base")
        own = where(tuned, direction="steering")
        parts = {
            "trained vectors": where(own, placebo=None),
            "random vectors of the same norms": [r for r in own if r["placebo"] is not None],
            "the same vectors in the base": where(base, direction="steering", placebo=None),
            "vectors trained for the base, in the base": where(
                base, direction="steering_of_base", placebo=None
            ),
        }
        for what, chosen in parts.items():
            if chosen:
                yield from run.ends(f"EM of {arm}-{trigger} with {what} added", chosen)


def mixing(run: Run) -> Iterator[Record]:
    """The records of `mixing.json`."""
    kinds = ("none", "trigger", "paraphrase", "control")
    place = {"model": "fine_tuned", "quantity": "em_rate", "edit": "none", "questions": "held_out"}
    rates = [row | {"benign": _benign(row)} for row in where(run.rows, **place, wording_kind=kinds)]
    for (benign, kind), rows in groups(rates, "benign", "wording_kind").items():
        yield from run.ends(f"EM at {benign:.0f} % benign rows, wording: {kind}", rows)


def _benign(row: Row) -> float | None:
    benign, harmful = map(int, row["arm"].split("-")[1:]) if "-" in row["arm"] else (0, 0)
    return 100 * benign / (benign + harmful) if benign + harmful else None
