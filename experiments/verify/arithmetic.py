"""Checks that shares, gains and gaps in the committed rows follow from the rates in the same rows.

* `ablation_relative_drop` = 1 - rate under the edit / rate intact; `em_gain` = the first rate minus the second.
* `containment_gap` = rate with the wording minus rate without any.
* `interchange_brings` = rate after the swap / rate of the donor's wording; `interchange_takes` = 1 - rate / rate.

A share is left out if its other rate was sampled again, with another number of answers, and is not in the rows.
Limits: it does not check the rates, nor the intervals of shares, for which answers are paired.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from experiments.verify.compare import same
from experiments.verify.rows import Row, Run, organism

SUBJECT = ("model", "questions", "dataset")
WORDING = ("wording_kind", "wording")
EDIT = ("edit", "placebo", "strength", "direction", "source", "position", "layer")
RATES = {
    "ablation_relative_drop": "em_rate",
    "em_gain": "em_rate",
    "containment_gap": "em_rate",
    "interchange_brings": "interchange_em_rate",
    "interchange_takes": "interchange_em_rate",
}
NO_WORDING = ("none", None)
Rates = dict[tuple[Any, ...], tuple[float, int]]  # value and n


def contradictions(reference: Path) -> tuple[int, list[str]]:
    """How many shares were recomputed in all runs, and a line for each that its rates contradict."""
    count, wrong = 0, []
    for folder in sorted(reference.iterdir()):
        if not folder.is_dir():
            continue
        for row, expected in recomputed(Run(folder).rows):
            count += 1
            if not same(row["value"], expected):
                where = f"{folder.name}, {organism(row)}, {row['quantity']}"
                wrong.append(f"{where}: {row['value']} in the rows, their rates say {expected}")
    return count, wrong


def recomputed(rows: list[Row]) -> Iterator[tuple[Row, float | None]]:
    """Every share whose rates are in the rows, with the value that follows from them."""
    rates: Rates = {
        _place(row, row["quantity"], _wording(row), _edit(row)): (row["value"], row["n"])
        for row in rows
        if row["quantity"] in RATES.values()
    }
    for row in rows:
        pair = _pair(row, rates) if row["quantity"] in RATES else None
        if pair is not None:
            yield row, _share(row["quantity"], *pair)


def _pair(row: Row, rates: Rates) -> tuple[float, float] | None:
    """The rate after and the rate before; None if one of them is not in the rows."""
    rate, wording = RATES[row["quantity"]], _wording(row)
    before = _donor(row) if row["quantity"] == "interchange_brings" else wording
    if row["quantity"] == "containment_gap":
        before = NO_WORDING
    after, then = _place(row, rate, wording, _edit(row)), _place(row, rate, before, _intact(row))
    if after not in rates or then not in rates or rates[then][0] is None:
        return None
    counted = (rates[after][1], rates[after][1] + rates[then][1])
    return (rates[after][0], rates[then][0]) if row["n"] in counted else None


def _share(quantity: str, after: float, before: float) -> float | None:
    if quantity in ("em_gain", "containment_gap"):
        return after - before
    if before == 0:
        return None
    return after / before if quantity == "interchange_brings" else 1 - after / before


def _place(row: Row, quantity: str, wording: tuple[Any, ...], edit: tuple[Any, ...]) -> Any:
    return (organism(row), *(row[name] for name in SUBJECT), quantity, wording, edit)


def _wording(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in WORDING)


def _edit(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in EDIT)


def _intact(row: Row) -> tuple[Any, ...]:
    return ("none", *(None for _ in EDIT[1:]))


def _donor(row: Row) -> tuple[str, str | None]:
    kind, _, name = row["source"].partition(":")
    return kind, name or None
