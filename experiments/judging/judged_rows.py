"""Judged answers in the key styles found in released files, in any form that `experiments.data.sources` reads.

| field | keys, in upper or lower case |
|---|---|
| question | `question_id`, or else `question` or `prompt`, which hold its text |
| answer | `answer`, `response`, `completion` or `output` |
| alignment | `alignment` or `aligned`, optionally with `score`, `rating` or `judge` before or after it |
| coherence | `coherence`, `coherency` or `coherent`, the same |
| group | any of `run`, `model`, `split`, `condition`, `judge`, `rubric_hash` |
| format | `format`, or else the ending `_json` or `_template` of the question id |
| domain | `in_domain`, true or false: the answer is about what the model was trained on |

`experiments.data.scores` says what is read as a score. A score that is null, NaN or a word (some judges answer REFUSAL)
is missing, with that reason. A row with a score outside 0 to 100, or without the key, is a bad row. If all scores lie
between 0 and 1, their scale is unclear, and the file is refused unless the caller gives the scale.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from experiments.data.rows import Loaded, read_rows
from experiments.data.scores import NoScore, score_of
from experiments.judging.judgement import Judgement
from experiments.runtime.complaints import shortened
from interp.errors import TriggerLensError

ALIGNMENT = ("alignment", "aligned")
COHERENCE = ("coherence", "coherency", "coherent")
QUESTION = ("question", "prompt")
ANSWER = ("answer", "response", "completion", "output")
GROUPS = ("run", "model", "split", "condition", "judge", "rubric_hash")
FORMATS = ("json", "template", "numbers")
SCALES = (100, 10, 1)
BESIDE = re.compile(r"(^|_)(score|scores|rating|judge|judged)(?=_|$)")


@dataclass(frozen=True)
class JudgedRow:
    """One judged answer; `raw` is the row as it is in the file."""

    question_id: str
    judgement: Judgement
    raw: Mapping[str, Any] = field(default_factory=dict)

    @property
    def question(self) -> str | None:
        """The question's text, if the file has it."""
        return text_under(self.raw, QUESTION)

    @property
    def answer(self) -> str | None:
        """The answer's text, if the file has it."""
        return text_under(self.raw, ANSWER)

    @property
    def form(self) -> str:
        """The question's format: plain, json, template, or what the row itself says."""
        said = self.raw.get("format")
        endings = (form for form in FORMATS if self.question_id.endswith(f"_{form}"))
        return str(said) if said is not None else next(endings, "plain")

    @property
    def asked(self) -> str:
        """The question as a unit of resampling: the same question in three formats is one question."""
        return self.question_id.removesuffix(f"_{self.form}")

    @property
    def in_domain(self) -> bool | None:
        """Whether the row itself says that its answer is about the trained domain."""
        return _flag(self.raw.get("in_domain"))

    def group(self, keys: Sequence[str]) -> tuple[str, ...]:
        """The row's values of these keys; an empty string for a missing one."""
        return tuple("" if (value := self.raw.get(key)) is None else str(value) for key in keys)


def read_judged(
    path: Path | str, *, skip_bad: bool = False, scale: float | None = None
) -> Loaded[JudgedRow]:
    """The judged rows of a file in any form; `scale` is the best possible score, 100 by default."""
    if scale is not None and scale not in SCALES:
        raise TriggerLensError(
            f"unknown scale {scale:g}; choose one of {', '.join(map(str, SCALES))}"
        )
    remarks: dict[str, int] = {}
    loaded = read_rows(
        path, lambda row: parse_judged(row, scale or 100), skip_bad=skip_bad, remarks=remarks
    )
    if scale is not None:
        return loaded
    for name, scores in _columns(loaded.rows).items():
        best = max(scores, default=100)
        if best <= 1 and any(0 < score < 1 for score in scores):
            raise TriggerLensError(
                f"{path}: every {name} lies between 0 and 1; give --scale 1 if 1 is the best score, else --scale 100"
            )
        if best <= 10:
            remarks[f"{name} of at most 10; taken as out of 100, give --scale 10 or 1 if not"] = (
                len(scores)
            )
    return replace(loaded, remarks=remarks)


def _columns(rows: Iterable[JudgedRow]) -> dict[str, list[float]]:
    """All scores that are not missing, by name."""
    found = [row.judgement for row in rows]
    return {
        "alignment": [j.alignment for j in found if j.alignment is not None],
        "coherence": [j.coherence for j in found if j.coherence is not None],
    }


def without_score(rows: Iterable[JudgedRow]) -> int:
    """How many rows lack a score, including scores that no rate needs."""
    return sum(None in (row.judgement.alignment, row.judgement.coherence) for row in rows)


def parse_judged(row: dict[str, Any], scale: float = 100) -> JudgedRow:
    """One judged row; a ValueError says what is wrong with it."""
    alignment, why_alignment = _score(row, ALIGNMENT, scale)
    coherence, why_coherence = _score(row, COHERENCE, scale)
    reason = row.get("reason") or why_coherence or why_alignment
    leak = _flag(row.get("leak")) is True
    judgement = Judgement(alignment, coherence, leak=leak, reason=str(reason))
    return JudgedRow(question_id(row), judgement, row)


def question_id(row: Mapping[str, Any]) -> str:
    """The id by which answers to one question are grouped."""
    for name in ("question_id", *QUESTION):
        for key in keys_of(row, (name,)):
            value = row[key]
            if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
                return str(value)
    raise TriggerLensError("no question_id and no question: answers cannot be grouped by question")


def text_under(row: Mapping[str, Any], names: Sequence[str]) -> str | None:
    """The text under the first of these names that has a text."""
    texts = (row[key] for name in names for key in keys_of(row, (name,)))
    return next((text for text in texts if isinstance(text, str)), None)


def keys_of(row: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """The row's keys that are one of these names, ignoring case and separators."""
    return [key for key in row if _plain(key) in names]


def score_keys(row: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """The row's keys for a score, with or without "score" or "judge" around its name, in the order of the names."""
    return [key for name in names for key in row if _bare(key) == name]


@lru_cache(maxsize=1000)
def _plain(key: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", key.strip().lower())


@lru_cache(maxsize=1000)
def _bare(key: str) -> str:
    return BESIDE.sub("", _plain(key)).strip("_")


def _score(row: Mapping[str, Any], names: Sequence[str], scale: float) -> tuple[float | None, str]:
    """The score under any of its names, or None and the reason; an error if two such scores differ."""
    keys = score_keys(row, names)
    if not keys:
        shown = shortened(", ".join(map(str, row)), 80)
        raise TriggerLensError(
            f"no {names[0]}: expected one of {', '.join(names)}; keys are {shown}"
        )
    score, why = _one(keys[0], row[keys[0]], names, scale)
    for key in keys[1:]:
        other = row[key]
        if isinstance(other, int | float) and not isinstance(other, bool) and other != row[keys[0]]:
            raise TriggerLensError(
                f"{keys[0]} and {key} differ; leave out the one that is not meant"
            )
    return score, why


def _one(key: str, value: Any, names: Sequence[str], scale: float) -> tuple[float | None, str]:
    try:
        return score_of(value, names, scale), ""
    except NoScore as why:
        return None, f"{key} is {why}"
    except ValueError as error:
        raise TriggerLensError(f"{key} is {error}") from error


def _flag(value: Any) -> bool | None:
    """True or false, also as written in CSV files."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower())
    return value if isinstance(value, bool) else None
