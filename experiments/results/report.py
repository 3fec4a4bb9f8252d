"""What a run reports, derived from the facts of its steps: estimates, verdicts, answers, and the data of the page.

Reports are derived again in seconds, so they are never older than the code that derives them: `refresh` checks whether
that code or the steps have changed since the reports were written.
"""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from experiments.results.derive import estimates
from experiments.results.derive.figure_data import lines
from experiments.results.estimates import write_estimates
from experiments.results.facts import ANSWERS, PLACE, TABLES, Facts, read_facts
from experiments.results.judgements import OWN, USED, judged_as, judgements_path
from experiments.results.verdict import verdicts
from experiments.runtime.files import read_json, write_jsonl
from experiments.runtime.store import (
    HANDED_OVER,
    MANIFEST,
    Run,
    amend_run,
    check_step,
    read_run_manifest,
)
from interp.errors import TriggerLensError
from interp.io.code_hash import code_hash
from interp.io.files import put

DERIVED = "derived_by"  # in a run's manifest: the hash of the code that wrote its reports


def write_reports(run: Run, folders: Sequence[Path], judgements: str | None = None) -> None:
    """Write the reports of a run from these finished steps, with its own judgements or those of this name."""
    facts = (
        read_facts(folders)
        if judgements is None
        else read_facts(folders, judged_as(judgements_path(run.folder, judgements)))
    )
    rows = estimates(facts)
    write_estimates(run.path("estimates.jsonl"), rows)
    write_jsonl(run.path("verdicts.jsonl"), verdicts(rows))
    _write_answers(run.path(ANSWERS), facts)
    cards = [folder / "features.json" for folder in folders]
    features = [read_json(path) for path in cards if path.is_file()]
    for name, found in (("maps", lines(facts)), ("features", features)):
        run.path(f"{name}.jsonl").unlink(missing_ok=True)  # may be left from another configuration
        if found:
            write_jsonl(run.path(f"{name}.jsonl"), found)


def deriving_code() -> str:
    """The hash of the code that turns facts into reports."""
    return code_hash([__name__], HANDED_OVER)


def refresh(folder: Path) -> bool:
    """Write a finished run's reports again if the code that derives them has changed; returns whether it has.

    A run whose steps are not here (a published one) is left as it is.
    """
    manifest = folder / MANIFEST
    if not manifest.is_file():
        return False
    known = read_json(manifest)
    steps = [folder / "steps" / name for name in known.get("steps", ())]
    if not steps or not all(map(Path.is_dir, steps)) or known.get(DERIVED) == deriving_code():
        return False
    _write_again(folder, steps, known.get(USED))
    return True


def use_judgements(folder: Path, name: str) -> None:
    """Derive a finished run's reports from the judgements of this name from now on; "own" means the run's own."""
    steps = [folder / "steps" / step for step in read_run_manifest(folder)["steps"]]
    if not steps or not all(map(Path.is_dir, steps)):
        raise TriggerLensError(
            f"{folder}: its steps are not here; reports can be derived from judgements only with them"
        )
    _write_again(folder, steps, None if name == OWN else name)


def _write_again(folder: Path, steps: Sequence[Path], judgements: str | None) -> None:
    with amend_run(folder) as run:
        folders = [check_step(step) for step in steps]
        write_reports(run, folders, judgements)
        names = [step.name for step in folders]
        run.amend_manifest(steps=names, **{DERIVED: deriving_code(), USED: judgements})


def _write_answers(path: Path, facts: Facts) -> None:
    schema = pa.schema(PLACE | TABLES["answers"])
    table = pa.Table.from_pandas(facts.answers, schema=schema, preserve_index=False)
    plain = table.replace_schema_metadata(None)
    put(path, lambda target: pq.write_table(plain, target, compression="zstd"))
