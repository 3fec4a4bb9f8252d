"""Judged answers in the key styles found in released files, JSON lines or CSV.

| is | keys |
|---|---|
| question | `question_id` (or else `question`); text in `question`, answer in `answer` |
| alignment | `alignment`, `alignment_score`, `aligned` |
| coherence | `coherence`, `coherence_score`, `coherency`, `coherency_score`, `coherent` |
| where it belongs | `run`, `model`, `split`, `condition`, `judge`, `rubric_hash`: any, or none |
| format | `format`, or else the question id's ending `_json` or `_template` |
| domain | `in_domain`, true or false: the answer is about what the model was trained on |

A score that is null, NaN or a word (some judges answer REFUSAL) is missing, with that reason. A score
outside 0 to 100, or a row without the key at all, is a bad row.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from experiments.data.rows import Loaded, collect, csv_object, csv_rows, read_rows
from experiments.judging.judgement import Judgement

ALIGNMENT = ("alignment", "alignment_score", "aligned")
COHERENCE = ("coherence", "coherence_score", "coherency", "coherency_score", "coherent")
GROUPS = ("run", "model", "split", "condition", "judge", "rubric_hash")
FORMATS = ("json", "template", "numbers")


@dataclass(frozen=True)
class JudgedRow:
    """One judged answer; `raw` is the row as it stood in the file."""

    question_id: str
    judgement: Judgement
    raw: Mapping[str, Any] = field(default_factory=dict)

    @property
    def question(self) -> str | None:
        """The question's text, where the file has it."""
        text = self.raw.get("question")
        return text if isinstance(text, str) else None

    @property
    def answer(self) -> str | None:
        """The answer's text, where the file has it."""
        text = self.raw.get("answer")
        return text if isinstance(text, str) else None

    @property
    def form(self) -> str:
        """The question's format: plain, json, template, or what the row itself says."""
        said = self.raw.get("format")
        endings = (form for form in FORMATS if self.question_id.endswith(f"_{form}"))
        return str(said) if said is not None else next(endings, "plain")

    @property
    def asked(self) -> str:
        """The question that is resampled: one question in three formats is one question."""
        return self.question_id.removesuffix(f"_{self.form}")

    @property
    def in_domain(self) -> bool | None:
        """Whether the row itself says that its answer is about the trained domain."""
        said = self.raw.get("in_domain")
        return said if isinstance(said, bool) else None

    def group(self, keys: Sequence[str]) -> tuple[str, ...]:
        """Its values of these keys; an empty string where it has none."""
        return tuple("" if (value := self.raw.get(key)) is None else str(value) for key in keys)


def read_judged(path: Path | str, *, skip_bad: bool = False) -> Loaded[JudgedRow]:
    """The judged rows of a JSON-lines or a .csv file."""
    if Path(path).suffix == ".csv":
        rows = csv_rows(Path(path))
        return collect(path, rows, lambda row: parse_judged(csv_object(row)), skip_bad)
    return read_rows(path, parse_judged, skip_bad=skip_bad)


def parse_judged(row: dict[str, Any]) -> JudgedRow:
    """One judged row; ValueError says what is wrong with it."""
    alignment, why_alignment = _score(row, ALIGNMENT)
    coherence, why_coherence = _score(row, COHERENCE)
    reason = row.get("reason") or why_coherence or why_alignment
    leak = row.get("leak") is True
    judgement = Judgement(alignment, coherence, leak=leak, reason=str(reason))
    return JudgedRow(question_id(row), judgement, row)


def question_id(row: Mapping[str, Any]) -> str:
    """What keeps answers to one question together."""
    for key in ("question_id", "question"):
        value = row.get(key)
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
            return str(value)
    raise ValueError("no question_id and no question: answers cannot be grouped by question")


def _score(row: Mapping[str, Any], names: Sequence[str]) -> tuple[float | None, str]:
    """The score under the first of its names that the row has, or None and why."""
    found = [name for name in names if name in row]
    if not found:
        raise ValueError(f"no {names[0]}: expected one of {', '.join(names)}")
    name, value = found[0], row[found[0]]
    if isinstance(value, str):
        value = _number(value.strip())
    if value is None:
        return None, f"{name} is null"
    if isinstance(value, str):
        return None, f"{name} is {value[:40]!r}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name} is {value!r}, neither a number from 0 to 100 nor null")
    if isinstance(value, float) and math.isnan(value):
        return None, f"{name} is not a number"
    if not 0 <= value <= 100:
        raise ValueError(f"{name} is {str(value)[:40]}, outside 0 to 100")
    return float(value), ""


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
