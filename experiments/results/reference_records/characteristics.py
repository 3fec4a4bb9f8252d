"""The records of the verdict's operating characteristics, over all reference runs of the toy language."""

from collections.abc import Iterator, Sequence

from experiments.results.characteristics import Said, characteristics
from experiments.results.records import Record
from experiments.results.reference_records.run import COMMAND, ReferenceRun

# the demo's organisms are those of the full runs' seed 0, so there they count for `carried` alone
RUNS = ("micro_full_*", "mixing_map_*", "mixing_control_*", "repeat", "nulls", "unswitched")
DEMO = "demo_seed0"
ONLY_IN_THE_DEMO = "carried"


def characteristics_records(
    runs: Sequence[ReferenceRun], demo: Sequence[ReferenceRun]
) -> list[Record]:
    """A record for each word and kind; every organism counts once."""
    date = max(run.date or "" for run in (*runs, *demo)) or None
    return [_record(said, date) for said in _all(runs, demo)]


def _all(runs: Sequence[ReferenceRun], demo: Sequence[ReferenceRun]) -> Iterator[Said]:
    yield from characteristics(verdict for run in runs for verdict in run.verdicts)
    swapped = characteristics(verdict for run in demo for verdict in run.verdicts)
    yield from (said for said in swapped if said.word == ONLY_IN_THE_DEMO)


def _record(said: Said, date: str | None) -> Record:
    lower, upper = said.interval
    bases = "1 base" if said.bases == 1 else f"{said.bases} bases"
    built = (
        "organisms built to be contained" if said.kind == "contained" else f"{said.kind} organisms"
    )
    return Record(
        name=f"claim {said.word!r} made about {built} ({bases})",
        value=said.share,
        lower=lower,
        upper=upper,
        n=said.organisms,
        command=COMMAND,
        date=date,
    )
