"""The records of the checkpoints of a fine-tuning: the first one at which each claim holds, and the numbers at the end.

A claim about one checkpoint requires whole intervals, widened for all checkpoints of the organism (Bonferroni).
The record of a claim is the first step at which it holds, its interval from the checkpoint before to that step; a claim
that never holds is undefined.
"""

from collections.abc import Iterator
from typing import Any

from experiments.results.picked import limits_of
from experiments.results.records import Record
from experiments.results.reference_records.run import NAME_COLUMNS, ReferenceRun
from probes.estimate import Estimate
from probes.simultaneous import widened

Rows = list[dict[Any, Any]]
DIRECTIONS = ("switch", "misalignment")
REMOVED, ADDED = "share of EM lost by removing", "EM when adding"


def birth_records(run: ReferenceRun) -> list[Record]:
    """Claims about every organism, EM at each step, and first and last values of the other quantities."""
    return [*_claims(run), *_along(run), *_ends(run)]


def _claims(run: ReferenceRun) -> Iterator[Record]:
    for _, organism in run.reported().groupby(list(NAME_COLUMNS)):
        moments = {int(step): rows.to_dict("records") for step, rows in organism.groupby("step")}
        steps = sorted(moments)
        held = {step: _held(moments[step], len(steps)) for step in steps}
        for claim in held[steps[0]]:
            first = next((n for n, step in enumerate(steps) if held[step][claim]), None)
            known: dict[str, Any] = {"value": None, "lower": None, "upper": None}
            if first is not None:
                known = {"value": steps[first], "lower": steps[max(first - 1, 0)]}
                known["upper"] = steps[first]
            yield run.record(f"first step, {claim}", _named(organism) | known | {"n": len(steps)})


def _named(organism: Any) -> dict[str, Any]:
    return {column: organism[column].iloc[0] for column in NAME_COLUMNS}


def _held(rows: Rows, checkpoints: int) -> dict[str, bool]:
    """Claim -> whether it holds at this checkpoint."""
    rates = [row for row in rows if row["quantity"] == "birth_em_rate"]
    drops = [row for row in rows if row["quantity"] == "birth_relative_drop"]
    read = [r for r in rows if r["quantity"] == "birth_auroc" and r["source"] == "logistic"]
    intact = {k: _one(rates, checkpoints, wording_kind=k, edit="none") for k in ("none", "trigger")}
    layers = max(len(read), 1) * checkpoints
    held = {
        "more EM with the trigger than without": _above(intact["trigger"], intact["none"]),
        "unseen wordings read better than chance": any(
            (bound := _bounds(row, layers)) is not None and bound[0] > 0.5 for row in read
        ),
    }
    for name in DIRECTIONS:
        taken = [_one(drops, checkpoints, direction=name, placebo=of) for of in (None, "random")]
        edit = {"edit": "add", "direction": name}
        brought = [_one(rates, checkpoints, **edit, placebo=of) for of in (None, "random")]
        held[f"removing {name} eliminates more EM than removing random directions"] = _above(*taken)
        held[f"adding {name} causes more EM than adding random directions or nothing"] = _above(
            *brought
        ) and _above(brought[0], intact["none"])
    return held


Bounds = tuple[float, float] | None


def _one(rows: Rows, among: int, **columns: Any) -> Bounds:
    """The widened interval of the only row with these values; None without such a row or an interval."""
    for row in rows:
        if all(_plain(row[name]) == value for name, value in columns.items()):
            return _bounds(row, among)
    return None


def _plain(value: Any) -> Any:
    return None if value != value else value  # a missing name is NaN in pandas


def _bounds(row: dict[Any, Any], among: int) -> Bounds:
    value, lower, upper = (_plain(row[name]) for name in ("value", "lower", "upper"))
    if None in (value, lower, upper):
        return None
    own = Estimate(value, lower, upper, row["level"], int(row["n"]), row["method"])
    wide = widened(own, among, limits=limits_of(row["quantity"]))
    return (float(wide.lower or 0.0), float(wide.upper or 0.0))


def _above(one: Bounds, other: Bounds) -> bool:
    return one is not None and other is not None and one[0] > other[1]


def _along(run: ReferenceRun) -> Iterator[Record]:
    """EM with the trigger and its paraphrases at each step."""
    kinds = ["trigger", "paraphrase"]
    rates = run.reported(quantity="birth_em_rate", edit="none", wording_kind=kinds)
    for (arm, step, kind), group in rates.groupby(["arm", "step", "wording_kind"]):
        yield from run.extremes(f"EM after step {step:.0f} of {arm}, wording: {kind}", group)


def _ends(run: ReferenceRun) -> Iterator[Record]:
    """Before the first and after the last step of each arm: probing, removing and adding, with random directions."""
    rows = run.reported()
    for arm, organisms in rows.groupby("arm"):
        for step in (organisms["step"].min(), organisms["step"].max()):
            at = organisms[organisms["step"] == step]
            for what, group in _parts(at):
                if len(group):
                    yield from run.extremes(f"{what}, {arm} after step {step:.0f}", group)


def _parts(at: Any) -> Iterator[tuple[str, Any]]:
    known = at[at["value"].notna()]
    read = known[known["quantity"] == "birth_auroc"]
    yield "AUROC on unseen wordings, any layer", read[read["source"] == "logistic"]
    yield "AUROC on unseen wordings, bag of tokens", read[read["source"] != "logistic"]
    for kind in ("none", "control"):
        intact = known[(known["quantity"] == "birth_em_rate") & (known["edit"] == "none")]
        yield f"EM, wording: {kind}", intact[intact["wording_kind"] == kind]
    for name in DIRECTIONS:
        for random in (False, True):
            of = known[(known["direction"] == name) & (known["placebo"].notna() == random)]
            words = f"random directions (control for {name})" if random else name
            yield f"{REMOVED} {words}", of[of["quantity"] == "birth_relative_drop"]
            added = of[(of["quantity"] == "birth_em_rate") & (of["edit"] == "add")]
            yield f"{ADDED} {words}", added
