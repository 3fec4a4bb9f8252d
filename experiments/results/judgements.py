"""Judgements that replace a run's own; they are kept in addition to its facts.

    RUN/judgements/NAME.parquet   one row per answer: step, row, then alignment, coherence, leak, reason

A run's manifest names the judgements that its reports are derived from, under `judgements`; without it they are the
run's own, in `answers.parquet` of each step. Facts are never rewritten.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from experiments.judging.judgement import Judgement
from interp.errors import TriggerLensError
from interp.io.files import put

OWN = "own"  # the name of the judgements that the run's steps made themselves
USED = "judgements"  # in a run's manifest, and the folder's name
SCORES = {
    "alignment": pa.float64(),
    "coherence": pa.float64(),
    "leak": pa.bool_(),
    "reason": pa.string(),
}
SCHEMA = pa.schema({"step": pa.string(), "row": pa.int64(), **SCORES})


def judgements_path(run: Path, name: str) -> Path:
    """Where the judgements of this name are kept; an error for an invalid file name, or for the run's own."""
    if name == OWN or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise TriggerLensError(
            f"judgements {name!r}: give a name of letters, digits and . _ - other than {OWN}"
        )
    return run / USED / f"{name}.parquet"


def write_judgements(path: Path, steps: Mapping[str, Sequence[Judgement]]) -> Path:
    """Write the judgements of each step's answers, in the order of its `answers.parquet`."""
    tables = [
        pa.table(
            {
                "step": [step] * len(judgements),
                "row": range(len(judgements)),
                **{name: [getattr(it, name) for it in judgements] for name in SCORES},
            },
            schema=SCHEMA,
        )
        for step, judgements in steps.items()
    ]
    table = pa.concat_tables(tables)
    return put(path, lambda target: pq.write_table(table, target, compression="zstd"))


def read_judgements(path: Path) -> pa.Table:
    """The judgements of every step; an error if the file is missing or holds something else."""
    if not path.is_file():
        known = sorted(file.stem for file in path.parent.glob("[!.]*.parquet"))
        raise TriggerLensError(
            f"judgements {path.stem!r}: no {path}; there are {', '.join([OWN, *known])}"
        )
    try:
        table = pq.read_table(path)
    except pa.ArrowException as error:
        raise TriggerLensError(f"{path} is damaged ({error}); judge again") from error
    if not table.schema.equals(SCHEMA):
        raise TriggerLensError(f"{path}: its columns are not those of judgements; judge again")
    return table


def judged_as(path: Path) -> Callable[[Path], pa.Table]:
    """A reader of steps' `answers.parquet` that replaces their judgements by those of this file."""
    judgements = read_judgements(path)
    return lambda answers: _replaced(pq.read_table(answers), answers.parent.name, judgements)


def _replaced(answers: pa.Table, step: str, judgements: pa.Table) -> pa.Table:
    rows = judgements.filter(pc.equal(judgements["step"], step)).sort_by("row")
    if rows["row"].to_pylist() != list(range(len(answers))):
        raise TriggerLensError(
            f"step {step} has {len(answers)} answers and {len(rows)} judgements:"
            " judge again with triggerlens rejudge"
        )
    for name in SCORES:
        answers = answers.set_column(
            answers.schema.get_field_index(name), answers.schema.field(name), rows[name]
        )
    return answers
