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
    "Every benchmark, as it was last measured. `commands`, `dashboard`, `growth`, `heads`, `monitor`, `probe_sweep`, "
    "`sampling`, `scan` and `workers`: with nothing else running, on two cores with AVX2, without AVX-512 and without "
    "a GPU. The other rows: beside other work. Ratios of processor seconds of two things done in turn, unless the "
    "benchmark's own page says otherwise. `triggerlens bench NAME` measures one again, NAME being the first word of a "
    "row. Rows without a commit were measured before commits were recorded."
)
REASONS = {
    "sampling: sampling / generate": "90 tokens a second at best against 70; beside other work 75 against 50, "
    "which was 0.67. Products are three quarters of our time (profile), and those of the answers' tokens are the "
    "same in both.",
    "sampling: time / limit": "Products with 32 rows, for which all weights are read anew at each step, are slower "
    "than the large ones that the limit was measured on. Attention, a tenth of the time, and what is elementwise are "
    "no part of the limit. Weights packed once for all steps were not tried.",
    "framings: batched generate": "The 8 tokens of each answer, and each question, are computed in both; what can be "
    "read once is the system prompt and the framing.",
    "commands: dashboard": "The page draws 165 figures and shows answers, which are read with pandas. 9.9 s "
    "before SciPy was loaded late.",
    "dashboard: dashboard_opening": "The page's thread takes 1.76 processor seconds until all is quiet: unpacking and "
    "running Plotly, and drawing. Words are painted after 0.25 s, and a second opening in the same browser takes "
    "0.65 s. The shares of Plotly and of drawing were not measured.",
    "growth: time, tokens, 34M": "One point of four: the step from 256 to 512 tokens has slope 0.81, those before it "
    "1.18 and 1.27, and neither of the other models shows it. Not a defect that could be named.",
    "growth: time, organisms": "From two to four organisms 1.08, from one to two 1.28: the first one was of a seed "
    "that the process had already studied, and kept what it had read. The benchmark gives each study new seeds since.",
    "heads: heads": "With all tokens of a head patched, everything above it from the first unlike token on is another "
    "run: 0.28 of the products of the naive passes are left (`arithmetic`), and putting each head in takes another "
    "tenth. Six times is out of reach of an exact map here; the residual stream gains more, for a cell begins at its "
    "token.",
    "lora_step: LoRA step": "Where rows share nothing, only their padding and the head's reading of prompts "
    "can be saved: a tenth of the tokens, and a seventh of a step of this shape.",
    "make: make demo": "Measured with some work beside, in a fresh clone; 19.5 minutes were measured alone on an "
    "earlier day. A third of the time is the search for directions.",
    "make: make test": "Measured with heavy work beside. There are more tests: 2,880 took 5 min 27 s alone, and 4,241 "
    "took 10 min 22 s beside other work.",
    "patching: patching / naive": "The naive passes compute only the last token's logits. TransformerLens computes all "
    "of them, and eight times was wanted against TransformerLens.",
    "patching: patching / transformer_lens": "One turn of eight minutes. An earlier turn gave 0.123, so the aim lies "
    "between two turns.",
    "probe_sweep: probe_sweep_wide": "Nearly half of the time is the product X X' of each fold (12 GFLOP, at 60 GFLOP "
    "a second; each fold is standardised by its own rows, so folds share none of it), a sixth its factorisation, a "
    "sixth the solves.",
    "race: questions asked": "Where several candidates are alike, nothing tells them apart, and they are asked "
    "everything. A quarter of the questions was reached only by dropping candidates by rank, which chose the same in "
    "42 to 70 %.",
    "sae: sae": "Both take the same steps of the same trainer. Ours adds the checks of every batch and, once, folding, "
    "saving and reading the result. The turns differ by more than that.",
    "steering: dose response": "Nine strengths in one batch write as many answer tokens as nine generations. Only the "
    "reading of prompts can be shared, and nothing of it where every token is edited. `tokens_ratio` of the record is "
    "what that leaves where a token costs the same in every batch.",
    "capture: 512 mixed prompts": "Prompts of 8 to 256 tokens. Without any padding 0.546 of the tokens are left that "
    "the batches in the order given hold, and this limit of the mix is reached where a token costs the same.",
    "capture: all layers": "Nothing but the last token of each layer is copied. The turns differ by more than the two "
    "hundredths that are to be told apart.",
    "capture: time / nnsight": "Both read the same tensors of the same forward pass.",
    "workers: 2 workers": "A study of twelve tasks of three seconds. Each process loads torch and the libraries of a "
    "study before its first task, once and not for each task; two processes at a time are slower, too, by a share that "
    "was not measured. Sending a task costs 0.06 % of it. Ray is not installed here, and there are two cores.",
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
