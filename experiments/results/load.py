"""Read the reports of a run, for the terminal and the dashboard.

A run's results are in named files only: `estimates.jsonl` (required), and `verdicts.jsonl`,
`answers.parquet`, `maps.jsonl`, `features.jsonl`, `manifest.json`, `guard/`. If one of these is missing, the
reader says so. Each estimate keeps the number of its line as `line`, so that a figure can name the row
behind a point.

An *organism* is identified by (family, seed, dataset, arm, trigger). Rows of the untouched base model belong
to every organism with the same keys, where a null key matches everything.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pydantic import ValidationError

from experiments.results.columns import ORGANISM, WORDING_KINDS, condition_name, edit_name
from experiments.results.estimates import EstimateRow
from experiments.results.facts import ANSWERS, groups, judged_rows, read_answers
from experiments.results.guard_rows import guard_of, read_guard
from experiments.results.judgements import USED
from experiments.results.report import refresh
from experiments.runtime.files import SEAL, DamagedFile, is_whole, read_json, read_jsonl, sha256
from interp.errors import TriggerLensError

if TYPE_CHECKING:
    import pandas as pd

ANSWERS_SHOWN = 24  # per cell
AGAIN = "the same triggerlens run command writes it again from its finished steps"
ORGANISM_KEYS = ORGANISM
ARMS = ("baseline", "triggered", "contrast", "surface", "mixed", "harmless")


class NotARun(TriggerLensError):
    """The folder is not a run of a study, finished or unfinished."""


@dataclass(frozen=True)
class Organism:
    """The keys that identify a fine-tuned model, and the run it came from."""

    run: str
    family: str | None
    seed: int | None
    dataset: str | None
    arm: str | None
    trigger: str | None

    @property
    def name(self) -> str:
        parts = (self.family, self.arm, self.trigger and f"trigger {self.trigger}", self.dataset)
        words = [str(part) for part in parts if part]
        return ", ".join([*words, f"seed {self.seed}"] if self.seed is not None else words)

    def owns(self, get: Callable[[str], Any], *, null_matches: bool) -> bool:
        """Whether a row, given by its `get`, is about this organism."""
        pairs = ((get(key), getattr(self, key)) for key in ORGANISM_KEYS)
        return all(a == b or (null_matches and a is None) for a, b in pairs)


@dataclass(frozen=True)
class OrganismResults:
    """Everything one run says about one organism."""

    organism: Organism
    rows: tuple[EstimateRow, ...]
    base: tuple[EstimateRow, ...]
    verdict: dict[str, Any] | None
    maps: dict[str, Any] | None = None
    features: dict[str, Any] | None = None
    guard: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


@dataclass(frozen=True)
class RunResults:
    """The files of one run, read and checked; `warnings` says what is missing or has changed."""

    name: str
    folder: Path
    estimates: tuple[EstimateRow, ...]
    verdicts: tuple[dict[str, Any], ...]
    answers: tuple[dict[str, Any], ...]
    manifest: dict[str, Any] | None
    warnings: tuple[str, ...]
    maps: tuple[dict[str, Any], ...] = ()
    features: tuple[dict[str, Any], ...] = ()
    guard: dict[str, tuple[dict[str, Any], ...]] = field(default_factory=dict)

    def organisms(self) -> list[OrganismResults]:
        """Families in the order of the run, arms in the order of the study, then seeds."""
        tuned: dict[tuple[Any, ...], list[EstimateRow]] = {}
        for row in self.estimates:
            if row.model != "base" and row.family:
                key = tuple(getattr(row, name) for name in ORGANISM_KEYS)
                tuned.setdefault(key, []).append(row)
        base = [row for row in self.estimates if row.model == "base"]
        families = list(dict.fromkeys(row.family for row in self.estimates))
        found = [(Organism(self.name, *key), rows) for key, rows in tuned.items()]
        found.sort(key=lambda it: (families.index(it[0].family), *_place(it[0])))
        return [self._collect(organism, rows, base) for organism, rows in found]

    def _collect(
        self, organism: Organism, rows: Sequence[EstimateRow], base: Sequence[EstimateRow]
    ) -> OrganismResults:
        return OrganismResults(
            organism,
            tuple(rows),
            tuple(row for row in base if organism.owns(row.get, null_matches=True)),
            _last_of(organism, self.verdicts),
            _last_of(organism, self.maps),
            _last_of(organism, self.features),
            guard_of(self.guard, vars(organism)),
        )


def _last_of(organism: Organism, found: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    mine = [it for it in found if organism.owns(it.get, null_matches=False)]
    return mine[-1] if mine else None


def _place(organism: Organism) -> tuple[int, str, str, int]:
    """Arms in the order of the study, unknown ones after them by name, then seeds."""
    arm = organism.arm or ""
    place = ARMS.index(arm) if arm in ARMS else len(ARMS)
    return place, arm, f"{organism.trigger} {organism.dataset}", organism.seed or 0


def check_run(folder: Path) -> Path:
    """The folder, if it belongs to a run; otherwise an error."""
    if not folder.is_dir():
        raise NotARun(
            f"{folder} is not a folder; give the folder of a run, such as artifacts/runs/demo"
        )
    if not (folder / "estimates.jsonl").is_file():
        raise NotARun(
            f"{folder} has no estimates.jsonl; run the study first, or again, or give a run's folder"
        )
    return folder


def load_run(folder: Path | str, *, answers: bool = True) -> RunResults:
    """Read a run folder. If the code that computes its reports has changed, they are written again first."""
    refresh(check_run(Path(folder)))
    return load_results(folder, answers=answers)


def load_results(folder: Path | str, *, answers: bool = True) -> RunResults:
    """Read a run folder; without its `answers`, if they are not needed.

    If it is not a run, or a file is damaged, the error is one line.
    """
    folder = check_run(Path(folder))
    manifest = _manifest(folder)
    estimates = _estimates(folder / "estimates.jsonl")
    verdicts = _optional_rows(folder / "verdicts.jsonl")
    shown = _shown_answers(folder / ANSWERS) if answers else None
    return RunResults(
        name=folder.resolve().name,
        folder=folder,
        estimates=estimates,
        verdicts=tuple(verdicts or ()),
        answers=tuple(shown or ()),
        manifest=manifest,
        warnings=tuple(_warnings(folder, manifest, verdicts)),
        maps=tuple(_optional_rows(folder / "maps.jsonl") or ()),
        features=tuple(_optional_rows(folder / "features.jsonl") or ()),
        guard=read_guard(folder),
    )


def _estimates(path: Path) -> tuple[EstimateRow, ...]:
    rows = []
    for line, row in enumerate(read_jsonl(path), start=1):
        try:
            rows.append(EstimateRow.model_validate(row | {"line": line}))
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"])
            raise DamagedFile(f"{path} row {line}: {key}: {first['msg']}; {AGAIN}") from error
    if not rows:
        raise NotARun(
            f"{path} has no rows: the study did not get that far, or the file was cut; {AGAIN}"
        )
    return tuple(rows)


def _optional_rows(path: Path) -> list[dict[str, Any]] | None:
    return read_jsonl(path) if path.is_file() else None


def _shown_answers(path: Path) -> list[dict[str, Any]] | None:
    """The first answers of each cell, as the page shows them; None if the run kept none."""
    if not path.is_file():
        return None
    try:
        cells = groups(read_answers(path), "answers")
        return [answer for _, cell in cells for answer in _first(cell)]
    except (OSError, ValueError, pa.ArrowException) as error:
        raise DamagedFile(f"{path} is damaged ({str(error)[:200]}); {AGAIN}") from error


def _first(cell: "pd.DataFrame") -> Iterator[dict[str, Any]]:
    rows = cell.head(ANSWERS_SHOWN)
    place = next(iter(groups(rows, "answers")))[0]
    words = {
        "condition": condition_name(place["wording_kind"], place["wording"]),
        "intervention": edit_name(place["edit"], place["strength"], place["placebo"]),
    }
    texts, judged = rows["answer"].tolist(), judged_rows(rows)
    for text, question, judgement in zip(texts, judged.questions, judged.judgements, strict=True):
        scores = {"alignment": judgement.alignment, "coherence": judgement.coherence}
        verdict = {"verdict": judgement.verdict, "leak": judgement.leak, "reason": judgement.reason}
        yield {**place, **words, "question": question, "answer": text, **scores, **verdict}


def _manifest(folder: Path) -> dict[str, Any] | None:
    path = folder / "manifest.json"
    if not path.is_file():
        return None
    manifest = read_json(path)
    if not isinstance(manifest, dict):
        raise DamagedFile(f"{path} is not an object; make the run again")
    if SEAL in manifest and not is_whole(manifest):
        raise DamagedFile(f"{path} has changed since it was written; {AGAIN}")
    return manifest


def _warnings(
    folder: Path,
    manifest: dict[str, Any] | None,
    verdicts: Sequence[Any] | None,
) -> list[str]:
    """What a reader must know before relying on the run."""
    warnings = []
    if manifest is None:
        warnings.append("No manifest.json: the run was not finished.")
    if name := (manifest or {}).get(USED):
        warnings.append(
            f"Judged again: {USED}/{name}.parquet. Directions, layers and strengths were chosen with the run's own"
            " judgements."
        )
    files = (manifest or {}).get("files") or {}
    if verdicts is None and "verdicts.jsonl" not in files:
        warnings.append("No verdicts.jsonl: this run gave no verdicts.")
    if not (folder / ANSWERS).is_file() and ANSWERS not in files:
        warnings.append(f"No {ANSWERS}: this run kept no sampled answers.")
    for name, expected in files.items():
        path = folder / Path(name).name
        if not path.is_file():
            warnings.append(f"{name} is named in the manifest but is missing; {AGAIN}.")
        elif sha256(path) != expected:
            warnings.append(f"{name} has changed since the run was finished; {AGAIN}.")
    return warnings + [str(it) for it in (manifest or {}).get("warnings") or []]


def line_of(row: EstimateRow) -> int | None:
    """The line of `estimates.jsonl` a row was read from; None for a row made in memory."""
    return (row.model_extra or {}).get("line")


def pick(rows: Sequence[EstimateRow], **keys: Any) -> list[EstimateRow]:
    """The rows whose keys have these values; selection rows only when `split` is named."""
    found = [row for row in rows if all(getattr(row, key) == keys[key] for key in keys)]
    return found if "split" in keys else [row for row in found if row.split != "selection"]


def intact(rows: Sequence[EstimateRow], quantity: str, **keys: Any) -> list[EstimateRow]:
    """The rows of the unedited model: one for each wording and kind of questions, at the last training step."""
    last: dict[tuple[Any, ...], EstimateRow] = {}
    for row in sorted(pick(rows, quantity=quantity, **keys), key=lambda row: -(row.step or 0)):
        if row.edit in (None, "none") and row.value is not None:
            last.setdefault((row.condition, row.questions), row)
    return list(last.values())


def in_order(rows: Sequence[EstimateRow]) -> list[EstimateRow]:
    """Rows in reading order of their conditions: none, trigger, paraphrases, controls, variants."""
    return sorted(rows, key=lambda row: WORDING_KINDS.index(row.wording_kind or "none"))
