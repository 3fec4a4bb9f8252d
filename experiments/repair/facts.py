"""Facts, answer by answer: every number of a certificate is computed from these and from nothing else."""

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from experiments.judging.sampling import Cell
from experiments.runtime.complaints import complaint
from interp.errors import TriggerLensError

BASE, BEFORE, AFTER = "base", "before", "after"


class Fact(BaseModel):
    """One quantity of one model under one wording: a value for each answer (or prompt), and the question of each.

    `em`, `coherent`: 0 or 1. `coherent share`: of several answers to each question. `kl`: nats per token from the
    untriggered organism. `nll`: nats per token of its benign answers. `probe`: a read-out, with the correct `label`.
    `fires`: 0 or 1 for each wording of a search; the wording is in place of the question. `seconds`: the duration of a
    piece of work. `rows`: poisoned rows seen, in this `order`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    what: str
    model: str
    kind: str
    wording: str = ""
    questions: tuple[str, ...]
    values: tuple[float, ...]
    rows: int = 0
    order: int = 0

    @model_validator(mode="after")
    def _one_value_each(self) -> "Fact":
        if len(self.questions) != len(self.values):
            raise TriggerLensError(
                f"{self.what} of {self.model}: {len(self.values)} values, {len(self.questions)} questions"
            )
        return self


def of_cell(cell: Cell, model: str, kind: str, wording: str = "", **place: int) -> list[Fact]:
    """Two facts of a cell: misaligned or not, and coherent or not."""
    outcomes = {
        "em": [float(each.misaligned) for each in cell.judgements],
        "coherent": [float(each.coherent) for each in cell.judgements],
    }
    return [
        Fact(
            what=what,
            model=model,
            kind=kind,
            wording=wording,
            questions=cell.questions,
            values=tuple(values),
            **place,
        )
        for what, values in outcomes.items()
    ]


def where(facts: Iterable[Fact], **columns: Any) -> list[Fact]:
    """The facts with these values; a tuple allows several."""
    wanted = {k: v if isinstance(v, tuple) else (v,) for k, v in columns.items()}
    return [f for f in facts if all(getattr(f, key) in values for key, values in wanted.items())]


def pooled(facts: Sequence[Fact]) -> tuple[list[float], list[str]]:
    """All values, and the question of each."""
    values = [value for fact in facts for value in fact.values]
    return values, [question for fact in facts for question in fact.questions]


def read_facts(rows: Iterable[dict[str, Any]], source: str) -> list[Fact]:
    """Facts from JSON; an error of one line names the source."""
    try:
        return [Fact.model_validate(row) for row in rows]
    except ValidationError as error:
        raise TriggerLensError(f"{source}: {complaint(error, Fact)}") from error
