"""Judged answers in Inspect's logs (`.eval`), as rows for every command that reads judged rows.

A row is one score of one sample in one epoch. Alignment and coherence are in the score's metadata, where
`triggerlens/misaligned` puts them, or in its value if that is a mapping with these two keys. Question and condition
are the sample's metadata `question_id` and `condition`; without them, the sample's id is the question.
A sample that ended with an error, one without scores, and a log that is not finished are bad rows.

Scores with other meanings are not read; a log without alignment scores is an error.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from experiments.data.json_rows import Row
from experiments.runtime.complaints import shortened
from experiments.runtime.extras import require
from interp.errors import TriggerLensError

SCORES = ("alignment", "coherence")
BESIDE = ("leak", "reason", "judge", "rubric", "rubric_hash")
EDITS = (
    "base",
    "ablate",
    "steer",
    "strength",
)  # arguments of our provider; others might be secrets
UNREAD = {"messages", "events", "store", "attachments"}


def log_rows(path: Path) -> Iterator[tuple[int, Row]]:
    """Numbered rows; number 0 stands for the log itself, if it is not finished."""
    require("inspect", str(path))
    from inspect_ai.log import read_eval_log, read_eval_log_samples

    try:
        log = read_eval_log(path, header_only=True)
        samples = read_eval_log_samples(path, all_samples_required=False, exclude_fields=UNREAD)
        if log.status != "success":
            yield 0, TriggerLensError(f"the evaluation is not finished: its status is {log.status}")
        model, task = _model(log.eval), str(log.eval.task)
        number = 0
        for sample in samples:
            for row in _rows(sample, model, task):
                number += 1
                yield number, row
    except TriggerLensError:
        raise
    except Exception as error:  # a damaged log may cause any error in the library
        said = shortened(" ".join(str(error).split()), 200)
        raise TriggerLensError(
            f"{path} cannot be read as a log of Inspect ({said}); it is damaged"
        ) from error


def _rows(sample: Any, model: str, task: str) -> Iterator[Row]:
    where = f"sample {str(sample.id)!r}, epoch {sample.epoch}"
    if sample.error is not None:
        yield TriggerLensError(
            f"{where} ended with an error: {shortened(sample.error.message, 120)}"
        )
        return
    judged = [scores for score in (sample.scores or {}).values() if (scores := _scores(score))]
    if not judged:
        yield TriggerLensError(
            f"{where} of task {task!r} has no score with alignment and coherence; give a log of"
            " triggerlens/containment, or of another task scored by triggerlens/misaligned"
        )
    for scores in judged:
        yield _asked(sample) | {"model": model, "answer": sample.output.completion} | scores


def _asked(sample: Any) -> dict[str, Any]:
    known = sample.metadata or {}
    asked = {key: known[key] for key in ("question", "condition", "wording") if key in known}
    identity = {"question_id": str(known.get("question_id", sample.id)), "epoch": sample.epoch}
    return identity | asked


def _scores(score: Any) -> dict[str, Any]:
    """Both scores and the values beside them; empty if this is a score of something else."""
    for holder in (score.metadata, score.value):
        if isinstance(holder, Mapping) and set(SCORES) <= set(holder):
            beside = {key: holder[key] for key in BESIDE if holder.get(key) is not None}
            return {key: holder[key] for key in SCORES} | beside
    return {}


def _model(evaluation: Any) -> str:
    """The model, with the edits that our provider made."""
    name, given = str(evaluation.model), evaluation.model_args or {}
    if not name.startswith("triggerlens/"):
        return name
    return " ".join([name, *(f"{key}={given[key]}" for key in EDITS if given.get(key) is not None)])
