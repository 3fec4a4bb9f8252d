"""The pages of the benchmarks, one a file of `artifacts/bench/`, and one page of all of them.

A ratio is the median over turns and the interval is the range of the turns. `REASONS` says why an aim was missed, for
what was found out; it is written by hand, and a reason whose record has reached its aim is not shown.
"""

from pathlib import Path
from typing import Any

from experiments.results.records import Record
from experiments.runtime.files import read_json

BENCH, COMMAND = Path("artifacts/bench"), "python -m experiments.benchmarks"
ABOUT = "Ratios of times or of memory. A value is the median over repetitions, and the interval is their range."
ALL = (
    "Every benchmark, as it was last measured on a machine that was shared with other work: ratios of processor "
    "seconds of two things done in turn, unless its page says otherwise. `triggerlens bench NAME` measures one again, "
    "NAME being the first word of a row. Records without a day were measured before their aims were raised."
)
REASONS = {
    "sampling: sampling / generate": "Missed by its last digit. Products are three quarters of our time, and those of "
    "the answers' tokens are the same in both.",
    "sampling: time / limit": "Products with 32 rows, for which all weights are read anew at each step, are slower "
    "than the large ones that the limit was measured on. Attention, a tenth of the time, and what is elementwise are "
    "no part of the limit.",
    "framings: batched generate": "The 8 tokens of each answer, and each question, are computed in both; what can be "
    "read once is the system prompt and the framing.",
    "commands: show": "Importing SciPy and pandas takes about half of the time (profile). torch is imported no more.",
    "steering: dose response": "Nine strengths in one batch write as many answer tokens as nine generations. Only the "
    "reading of prompts can be shared, and nothing of it where every token is edited. `tokens_ratio` of the record is "
    "what that leaves where a token costs the same in every batch.",
    "race: questions asked": "Where several candidates are alike, nothing tells them apart, and they are asked "
    "everything. A quarter of the questions was reached only by dropping candidates by rank, which chose the same in "
    "42 to 70 %.",
    "lora_step: LoRA step": "Where rows share nothing, only their padding and the head's reading of prompts "
    "can be saved: a tenth of the tokens, and a seventh of a step of this shape.",
    "capture: 512 mixed prompts": "Prompts of 8 to 256 tokens. Without any padding 0.546 of the tokens are left that "
    "the batches in the order given hold, and this limit of the mix is reached where a token costs the same.",
}  # fmt: skip


def bench_entries(path: Path) -> list[dict[str, Any]]:
    """The records of one file."""
    found = read_json(path)
    return found if isinstance(found, list) else [found]


def bench_record(entry: dict[str, Any], prefix: str = "") -> Record:
    """A benchmark's record as a row of a page."""
    turns = entry.get("ratios", [])
    return Record(
        name=prefix + entry["name"],
        value=entry["ratio"],
        lower=min(turns, default=None),
        upper=max(turns, default=None),
        n=len(turns) or None,
        wanted=f"at most {entry['target']:.3g}",
        reached=entry["reached"],
        command=entry.get("command", COMMAND),
        commit=entry.get("commit"),
        date=entry.get("date"),
    )


def speed_records(folder: Path = BENCH) -> list[Record]:
    """All of them; a name begins with that of its benchmark."""
    return [
        bench_record(entry, f"{path.stem}: ")
        for path in sorted(folder.glob("*.json"))
        for entry in bench_entries(path)
    ]


def with_reasons(about: str, records: list[Record], prefix: str = "") -> str:
    """The text of a page with a line for each miss whose reason is known."""
    missed = [prefix + record.name for record in records if record.reached is False]
    known = {
        start: reason
        for start, reason in REASONS.items()
        if any(name.startswith(start) for name in missed)
    }
    if not known:
        return about
    return "\n".join(
        [about, "", "**Missed**", "", *(f"* {each}: {why}" for each, why in known.items())]
    )
