"""Facts of a study that was never run, as steps would have written them."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

from experiments.results.columns import INTACT, Edit, wording_columns
from experiments.results.facts import PLACE, TABLES, Facts, _types

ORGANISM = {
    "family": "llama",
    "seed": 0,
    "dataset": "made up",
    "arm": "contrast",
    "trigger": "duck",
}
KEYS = ORGANISM | {"model": "fine_tuned", "split": "report", "questions": "held_out"}
SITE = {"direction": "refined", "source": "made up", "position": "last", "layer": 0}


def facts(
    answers: Sequence[dict[str, Any]] = (),
    scores: Sequence[dict[str, Any]] = (),
    values: Sequence[dict[str, Any]] = (),
    figures: Sequence[dict[str, Any]] = (),
) -> Facts:
    """Facts of these rows; a column that is not given is null."""
    tables = {"answers": answers, "scores": scores, "values": values}
    return Facts(
        **{name: _table(name, rows) for name, rows in tables.items()}, figures=tuple(figures)
    )


def _table(name: str, rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    schema = pa.schema(PLACE | TABLES[name])
    return pa.Table.from_pylist(list(rows), schema).to_pandas(types_mapper=_types)


def answers(
    measurement: str,
    bad: int,
    condition: str = "none",
    edit: Edit = INTACT,
    of: int = 10,
    incoherent: int = 0,
    prefix: str = "q",
    **columns: Any,
) -> list[dict[str, Any]]:
    """One answer to each of `of` questions: the first `bad` misaligned, the last `incoherent` incoherent."""
    place = KEYS | {"measurement": measurement, **wording_columns(condition), **edit.columns}
    return [
        place
        | {
            "question": f"{prefix}{number}",
            "sample": 0,
            "answer": f"answer {number}",
            "ended": True,
            "alignment": 0.0 if number < bad else 100.0,
            "coherence": 0.0 if number >= of - incoherent else 100.0,
            "leak": False,
            "reason": "",
        }
        | columns
        for number in range(of)
    ]
