"""The rows of `estimates.jsonl`: each number of a study, what it was measured on, and its interval.

The columns are those of `experiments.results.columns`, then `quantity, value, lower, upper, level, n, method`; a column
that does not apply is null. A caller may add columns; these columns never change.

Rows about sparse features (`[features]` in a configuration) have the SAE or the method in `source`:

* `sae_explained_variance`, `sae_l0`, `sae_dead_share`, `sae_loss_recovered`: the quality of an SAE;
* `feature_auroc` (added column `feature`): one feature on report questions;
* `features_declared`: how many features passed the test (Benjamini-Hochberg, 1 %) on selection questions;
* direction "features", edits `zero_features` and `remove_features`: sets of features removed, and random sets;
* direction "basis": `basis_auroc`, `basis_transfer_auroc`, `basis_cosine` (added column `to`) and, under the edit
  `remove_vector`, how much EM the removal of each method's vector eliminates.
"""

import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from experiments.results.columns import (
    NAMED_WORDINGS,
    PLACEBOS,
    WORDING_KINDS,
    Edit,
    condition_name,
    edit_name,
)
from experiments.runtime.files import write_text
from interp.errors import TriggerLensError
from probes.estimate import Estimate

_CHOICES: dict[str, tuple[str, ...]] = {
    "model": ("base", "fine_tuned"),
    "questions": ("held_out", "trained", "open"),
    "split": ("selection", "report"),
    "wording_kind": WORDING_KINDS,
    "placebo": PLACEBOS,
}
_LABELS = {  # read-only names for combinations of columns
    "condition": "wording_kind and wording",
    "intervention": "edit, strength and placebo",
    "domains": "questions",
}


class EstimateRow(BaseModel):
    """One number: its place in the design, its value, interval, level, n and method."""

    model_config = ConfigDict(extra="allow", frozen=True, protected_namespaces=())

    family: str | None = None
    seed: int | None = None
    dataset: str | None = None
    arm: str | None = None
    trigger: str | None = None
    model: str | None = None
    step: int | None = None
    split: str | None = None
    questions: str | None = None
    format: str | None = None
    wording_kind: str | None = None
    wording: str | None = None
    edit: str | None = None
    placebo: str | None = None
    strength: float | None = None
    direction: str | None = None
    source: str | None = None
    position: str | None = None
    layer: int | None = None
    quantity: str
    value: float | None
    lower: float | None
    upper: float | None
    level: float
    n: int
    method: str

    @field_validator("model", "questions", "split", "wording_kind", "placebo")
    @classmethod
    def _known(cls, value: str | None, info: Any) -> str | None:
        choices = _CHOICES[info.field_name]
        if value is not None and value not in choices:
            raise TriggerLensError(f"{value!r} is not one of {', '.join(choices)}")
        return value

    @field_validator("value", "lower", "upper")
    @classmethod
    def _finite(cls, value: float | None) -> float | None:
        # JSON has no infinity: an unbounded side would make the file unreadable elsewhere
        if value is not None and not math.isfinite(value):
            raise TriggerLensError(
                f"{value} cannot be written as JSON; leave an unbounded estimate out"
            )
        return value

    @model_validator(mode="before")
    @classmethod
    def _columns_only(cls, given: Any) -> Any:
        for name, columns in _LABELS.items() if isinstance(given, dict) else ():
            if name in given:
                raise TriggerLensError(f"{name!r} is not a column; the columns are {columns}")
        return given

    @model_validator(mode="after")
    def _wording_has_a_name(self) -> Self:
        if (self.wording_kind in NAMED_WORDINGS) != (self.wording is not None):
            raise TriggerLensError(
                f"wording {self.wording!r} of kind {self.wording_kind!r}: a paraphrase, control or variant has a name,"
                " and nothing else has one"
            )
        return self

    @classmethod
    def of(cls, estimate: Estimate, *, quantity: str, **keys: Any) -> Self:
        """The row of an estimate at a place in the design."""
        numbers = {name: getattr(estimate, name) for name in Estimate.__dataclass_fields__}
        return cls(quantity=quantity, **keys, **numbers)

    @property
    def estimate(self) -> Estimate:
        """The value and its interval."""
        numbers = {name: getattr(self, name) for name in Estimate.__dataclass_fields__}
        return Estimate(**numbers)

    @property
    def condition(self) -> str | None:
        """The wording in one word, such as "paraphrase:walks"."""
        return condition_name(self.wording_kind, self.wording)

    @property
    def intervention(self) -> str | None:
        """The edit in one word, such as "random_add:2"."""
        return edit_name(self.edit, self.strength, self.placebo)

    @property
    def as_edit(self) -> Edit:
        """The edit, its strength and the placebo together."""
        return Edit(self.edit or "none", self.strength, self.placebo)

    def get(self, key: str) -> Any:
        """A column of the row, standard or added; None if it does not apply."""
        return getattr(self, key, None)


def write_estimates(path: Path, rows: Iterable[EstimateRow]) -> Path:
    """Write rows as JSON lines, replacing the file in one move."""
    lines = (json.dumps(row.model_dump(), allow_nan=False) + "\n" for row in rows)
    return write_text(path, "".join(lines))


def write_csv(path: Path, rows: Iterable[EstimateRow]) -> Path:
    """Write rows as CSV with a header; columns that only some rows have come last; null is an empty cell."""
    import pandas as pd  # imported late: only CSV needs it

    table = pd.DataFrame([row.model_dump(exclude={"line"}) for row in rows])
    return write_text(path, table.convert_dtypes().to_csv(index=False))


def read_estimates(path: Path) -> list[EstimateRow]:
    """Read rows; the first line that is not a valid row is an error that names its place."""
    return list(_read(path))


def _read(path: Path) -> Iterator[EstimateRow]:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise TriggerLensError(
            f"{path} is not UTF-8 ({error.reason}); make the run again"
        ) from error
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            yield EstimateRow.model_validate_json(line)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "line"
            raise TriggerLensError(f"{path}:{number}: {place}: {first['msg']}") from error


class Contradiction(TriggerLensError):
    """Two rows claim to be the same number of the study."""


def select(rows: Iterable[EstimateRow], **keys: Any) -> list[EstimateRow]:
    """The rows with these values of their keys; a tuple, list or set means any of its members.

    `select(rows, quantity="em_rate", wording_kind=("none", "trigger"))`
    """
    return [row for row in rows if all(_matches(row.get(k), want) for k, want in keys.items())]


def _matches(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, tuple | list | set | frozenset):
        return value in wanted
    return value == wanted


def only(rows: Iterable[EstimateRow], **keys: Any) -> EstimateRow | None:
    """The only row with these keys, or None; more than one is an error."""
    found = select(rows, **keys)
    if len(found) > 1:
        values = ", ".join(f"{row.quantity} {row.value}" for row in found)
        raise Contradiction(f"{len(found)} rows for one place ({values}): remove all but one")
    return found[0] if found else None
