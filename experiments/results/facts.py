"""The raw facts of a study, in three tables. Every number of a run is derived from them.

    answers.parquet   one row per answer: the question, the edit, the answer and its judgement
    scores.parquet    one row per read-out: a probe's score of one example that it was not fitted on, with its label
    values.parquet    one row per number measured at one question: a projection, a divergence, a squared error

All have the columns of `experiments.results.columns`, and `measurement`: the part of the study that made the row. A
step writes the tables of one organism; `read_facts` concatenates those of many. A column that does not apply is null.
"""

import hashlib
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from experiments.judging.judgement import Judged, Judgement
from experiments.results.columns import INTACT, Edit, wording_columns
from experiments.runtime.files import read_json
from interp.errors import TriggerLensError

if TYPE_CHECKING:  # reading tables does not need torch
    import pandas as pd

    from experiments.judging.sampling import Cell

TEXT, WHOLE, REAL, FLAG = pa.string(), pa.int64(), pa.float64(), pa.bool_()
PLACE = {  # rows with equal values in all of these columns form one cell
    "measurement": TEXT,
    "subject": TEXT,  # the other model on which a direction is tested, if any
    "family": TEXT,
    "seed": WHOLE,
    "dataset": TEXT,
    "arm": TEXT,
    "trigger": TEXT,
    "model": TEXT,
    "step": WHOLE,
    "split": TEXT,
    "questions": TEXT,
    "wording_kind": TEXT,
    "wording": TEXT,
    "edit": TEXT,
    "placebo": TEXT,
    "strength": REAL,
    "direction": TEXT,
    "source": TEXT,
    "position": TEXT,
    "layer": WHOLE,
}
ANSWER = {
    "draw": WHOLE,  # index of the placebo direction
    "question": TEXT,
    "sample": WHOLE,
    "prompt_hash": TEXT,
    "answer": TEXT,
    "ended": FLAG,
    "alignment": REAL,
    "coherence": REAL,
    "leak": FLAG,
    "reason": TEXT,
}
SCORE = {
    "quantity": TEXT,
    "sae": TEXT,
    "feature": WHOLE,
    "draw": WHOLE,
    "fold": WHOLE,
    "question": TEXT,
    "label": FLAG,
    "score": REAL,
}
VALUE = {
    "quantity": TEXT,
    "to": TEXT,
    "contrast": TEXT,
    "read_at": TEXT,
    "question": TEXT,
    "value": REAL,
    "over": REAL,  # the denominator, if the quantity is a ratio of sums
}
TABLES = {"answers": ANSWER, "scores": SCORE, "values": VALUE}
WORDING = ("wording_kind", "wording")
CELL = {  # the rows of one number have equal values in these columns; a read-out pools all wordings
    "answers": tuple(PLACE),
    "scores": (*(name for name in PLACE if name not in WORDING), "quantity", "sae", "feature"),
    "values": (*PLACE, "quantity", "to", "contrast", "read_at"),
}
FIGURES = "figure_data.json"
ANSWERS = "answers.parquet"


@dataclass
class Facts:
    """The three tables, and the data from which each organism's figures are drawn."""

    answers: "pd.DataFrame"
    scores: "pd.DataFrame"
    values: "pd.DataFrame"
    figures: tuple[dict[str, Any], ...] = ()

    def cells(self, measurement: str, **columns: Any) -> Iterator[tuple[dict[str, Any], Judged]]:
        """The judged answers of each cell of a measurement, in the order in which they were written."""
        for place, rows in groups(_where(self.answers, measurement, columns), "answers"):
            yield place, judged_rows(rows)


def groups(table: "pd.DataFrame", name: str) -> Iterator[tuple[dict[str, Any], "pd.DataFrame"]]:
    """The rows behind each number, with the columns that identify it as plain values."""
    columns = list(CELL[name])
    if table.empty:
        return
    for key, rows in table.groupby(columns, sort=False, dropna=False, observed=True):
        yield dict(zip(columns, map(_plain, key), strict=True)), rows


def judged_rows(rows: "pd.DataFrame") -> Judged:
    """The answers of one cell."""
    columns = [rows[name].tolist() for name in ("alignment", "coherence", "leak", "reason")]
    judgements = tuple(
        Judgement(_plain(alignment), _plain(coherence), bool(_plain(leak)), _plain(reason) or "")
        for alignment, coherence, leak, reason in zip(*columns, strict=True)
    )
    directions = None if rows["draw"].isna().any() else tuple(rows["draw"].tolist())
    return Judged(judgements, tuple(rows["question"].tolist()), directions)


def _where(table: "pd.DataFrame", measurement: str, columns: Mapping[str, Any]) -> "pd.DataFrame":
    kept = table["measurement"] == measurement
    for name, value in columns.items():
        kept &= table[name].isna() if value is None else table[name] == value
    return table[kept.fillna(False).astype(bool)]


def _plain(value: Any) -> Any:
    """A Python value; None for a missing one."""
    import pandas as pd

    if value is None or pd.isna(value):
        return None
    return value.item() if hasattr(value, "item") else value


def read_facts(
    folders: Sequence[Path], answers: Callable[[Path], pa.Table] = pq.read_table
) -> Facts:
    """The facts of these finished steps, in their order; `answers` is the function that reads an `answers.parquet`."""
    figures = [folder / FIGURES for folder in folders if (folder / FIGURES).is_file()]
    return Facts(
        **{
            name: _read(folders, name, answers if name == "answers" else pq.read_table)
            for name in TABLES
        },
        figures=tuple(read_json(path) for path in figures),
    )


def read_answers(path: Path) -> "pd.DataFrame":
    """The answers of a run or of one step; a ValueError (or pyarrow's) if the file holds something else."""
    table = pq.read_table(path)
    if not table.schema.equals(_schema("answers")):
        raise TriggerLensError("its columns are not those of answers")
    return table.to_pandas(types_mapper=_types)


def _read(
    folders: Sequence[Path], name: str, read: Callable[[Path], pa.Table] = pq.read_table
) -> "pd.DataFrame":
    paths = [folder / f"{name}.parquet" for folder in folders]
    tables = [read(path) for path in paths if path.is_file()]
    whole = pa.concat_tables(tables) if tables else _schema(name).empty_table()
    return whole.to_pandas(types_mapper=_types)


def _types(kind: pa.DataType) -> Any:
    import pandas as pd

    nullable = {WHOLE: pd.Int64Dtype(), FLAG: pd.BooleanDtype(), REAL: pd.Float64Dtype()}
    return nullable.get(kind)


def _schema(name: str) -> pa.Schema:
    return pa.schema(PLACE | TABLES[name])


@dataclass
class FactWriter:
    """Collects the facts of one step; `keys` are written into every row."""

    measurement: str
    keys: Mapping[str, Any]
    _rows: dict[str, list[pa.Table]] = field(default_factory=dict)

    def answers(
        self, cell: "Cell", edit: Edit = INTACT, draws: Sequence[int] | None = None, **columns: Any
    ) -> None:
        """Add the judged answers of one generation; `draws` says which placebo direction each answer had."""
        completions, judgements = cell.completions, cell.judgements
        known = {i: _hash(completions.prompts[i].token_ids) for i in set(completions.prompt_index)}
        hashes = [known[index] for index in completions.prompt_index]
        rows = {
            **_wordings(completions.conditions),
            "draw": draws,
            "question": completions.questions,
            "sample": _samples(hashes),
            "prompt_hash": hashes,
            "answer": [_text(text) for text in completions.texts],
            "ended": completions.ended,
            "alignment": [judgement.alignment for judgement in judgements],
            "coherence": [judgement.coherence for judgement in judgements],
            "leak": [judgement.leak for judgement in judgements],
            "reason": [_text(judgement.reason) for judgement in judgements],
        }
        self._add("answers", len(judgements), rows, edit.columns | columns)

    def scores(
        self,
        quantity: str,
        scores: Any,
        labels: Any,
        questions: Sequence[str],
        conditions: Sequence[str] | None = None,
        folds: Any = None,
        **columns: Any,
    ) -> None:
        """Add read-outs of one probe: the score and true label of examples that it was not fitted on."""
        rows: dict[str, Any] = {
            "fold": folds,
            "question": [str(question) for question in questions],
            "label": np.asarray(labels).astype(bool),
            "score": np.asarray(scores, float),
        }
        if conditions is not None:
            rows |= _wordings(conditions)
        self._add("scores", len(rows["question"]), rows, {"quantity": quantity, **columns})

    def values(
        self, quantity: str, values: Any, questions: Sequence[str], over: Any = None, **columns: Any
    ) -> None:
        """Add numbers measured at questions; `over` makes the quantity a ratio of sums."""
        rows: dict[str, Any] = {
            "question": [str(question) for question in questions],
            "value": np.asarray(values, float),
            "over": None if over is None else np.asarray(over, float),
        }
        self._add("values", len(rows["question"]), rows, {"quantity": quantity, **columns})

    def number(self, quantity: str, value: float, n: int, **columns: Any) -> None:
        """Add a number that was counted or computed once, and the number of items it is based on."""
        rows = {"value": [float(value)], "over": [float(n)]}
        self._add("values", 1, rows, {"quantity": quantity, **columns})

    def write(self, folder: Path) -> None:
        """Write each table that has rows into a step's folder."""
        for name, tables in self._rows.items():
            pq.write_table(pa.concat_tables(tables), folder / f"{name}.parquet", compression="zstd")

    def _add(
        self, name: str, count: int, rows: Mapping[str, Any], columns: Mapping[str, Any]
    ) -> None:
        constant: dict[str, Any] = {"measurement": self.measurement, **self.keys, **columns}
        schema = _schema(name)
        if unknown := constant.keys() - set(schema.names):
            raise KeyError(f"no column {', '.join(sorted(unknown))} in {name}")
        arrays = [_column(kind.type, kind.name, rows, constant, count) for kind in schema]
        self._rows.setdefault(name, []).append(pa.Table.from_arrays(arrays, schema=schema))


def _column(
    kind: pa.DataType, name: str, rows: Mapping[str, Any], constant: Mapping[str, Any], count: int
) -> pa.Array:
    values = rows.get(name)
    if values is None:
        return pa.array([constant.get(name)] * count, kind)
    return pa.array(list(values), kind)


def _wordings(conditions: Sequence[str]) -> dict[str, list[Any]]:
    known = {condition: wording_columns(condition) for condition in set(conditions)}
    return {
        column: [known[condition][column] for condition in conditions]
        for column in ("wording_kind", "wording")
    }


def _samples(prompts: Sequence[str]) -> list[int]:
    """The index, from 0, of each answer among the answers to its prompt."""
    counters: dict[str, Iterator[int]] = defaultdict(itertools.count)
    return [next(counters[prompt]) for prompt in prompts]


def _hash(token_ids: Sequence[int]) -> str:
    return hashlib.sha256(",".join(map(str, token_ids)).encode()).hexdigest()[:16]


def _text(text: str) -> str:
    """The text as UTF-8 can encode it: an unpaired surrogate becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")
