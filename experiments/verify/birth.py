"""Recomputes checkpoints of a fine-tuning: the first step of each claim, EM at each step, both ends of the rest."""

from collections.abc import Iterator
from itertools import pairwise

from experiments.verify.rows import Record, Row, Run, groups, stretched, where

EM, DROP, AUROC = "birth_em_rate", "birth_relative_drop", "birth_auroc"
DIRECTIONS = ("switch", "misalignment")


def birth(run: Run) -> Iterator[Record]:
    """The records of `birth.json`."""
    for organism in groups(run.rows, "family", "seed", "arm", "trigger").values():
        moments = {step: rows for (step,), rows in groups(organism, "step").items()}
        yield from _first_steps(run, moments)
    along = where(run.rows, quantity=EM, edit="none", wording_kind=("trigger", "paraphrase"))
    for (arm, step, kind), rows in groups(along, "arm", "step", "wording_kind").items():
        yield from run.ends(f"EM after step {step} of {arm}, wording: {kind}", rows)
    for (arm,), rows in groups(run.rows, "arm").items():
        steps = sorted({row["step"] for row in rows})
        for step in (steps[0], steps[-1]):
            for what, some in _parts([r for r in rows if r["step"] == step and known(r)]):
                if some:
                    yield from run.ends(f"{what}, {arm} after step {step}", some)


def known(row: Row) -> bool:
    """Whether the row has a number."""
    return row["value"] is not None


def _first_steps(run: Run, moments: dict[int, list[Row]]) -> Iterator[Record]:
    steps, some = sorted(moments), next(iter(moments.values()))[0]
    before = {now: then for then, now in pairwise(steps)} | {steps[0]: steps[0]}
    held = {step: _claims(moments[step], len(steps)) for step in steps}
    for claim in held[steps[0]]:
        first = next((step for step in steps if held[step][claim]), None)
        ends = {"lower": None if first is None else before[first], "upper": first}
        yield run.record(f"first step, {claim}", some | ends | {"value": first, "n": len(steps)})


def _claims(rows: list[Row], among: int) -> dict[str, bool]:
    intact, edits = where(rows, quantity=EM, edit="none"), where(rows, direction=DIRECTIONS)
    none, trigger = (where(intact, wording_kind=kind) for kind in ("none", "trigger"))
    read = where(rows, quantity=AUROC, source="logistic")
    lows = [stretched(row, len(read) * among)["lower"] for row in read]
    found = {
        "more EM with the trigger than without": _more(trigger, none, among),
        "unseen wordings read better than chance": any(
            low is not None and low > 0.5 for low in lows
        ),
    }
    for name in DIRECTIONS:
        taken, brought = (
            [
                where(edits, quantity=what, edit=edit, direction=name, placebo=of)
                for of in (None, "random")
            ]
            for what, edit in ((DROP, "ablate"), (EM, "add"))
        )
        found[f"removing {name} eliminates more EM than removing random directions"] = _more(
            taken[0], taken[1], among
        )
        found[f"adding {name} causes more EM than adding random directions or nothing"] = all(
            _more(brought[0], other, among) for other in (brought[1], none)
        )
    return found


def _more(one: list[Row], other: list[Row], among: int) -> bool:
    if not one or not other or one[0]["lower"] is None or other[0]["upper"] is None:
        return False
    return bool(stretched(one[0], among)["lower"] > stretched(other[0], among)["upper"])


def _parts(rows: list[Row]) -> Iterator[tuple[str, list[Row]]]:
    read = where(rows, quantity=AUROC)
    yield "AUROC on unseen wordings, any layer", where(read, source="logistic")
    bag = [row for row in read if row["source"] != "logistic"]
    yield "AUROC on unseen wordings, bag of tokens", bag
    for kind in ("none", "control"):
        yield f"EM, wording: {kind}", where(rows, quantity=EM, edit="none", wording_kind=kind)
    for name in DIRECTIONS:
        for placebo, words in ((None, name), ("random", f"random directions (control for {name})")):
            of = where(rows, direction=name, placebo=placebo)
            yield f"share of EM lost by removing {words}", where(of, quantity=DROP)
            yield f"EM when adding {words}", where(of, quantity=EM, edit="add")
