"""The pages of the benchmarks: one for each file of `artifacts/bench/`, and one page of all of them.

A ratio is the median over turns and the interval is the range of the turns. `REASONS`, written by hand, says why an aim
was missed, if that is known; a reason is not shown if its record has reached its aim.
"""

from pathlib import Path
from typing import Any

from experiments.results.records import Record
from experiments.runtime.files import read_json

BENCH, COMMAND = Path("artifacts/bench"), "python -m experiments.benchmarks"
ABOUT = "Ratios of times or of memory. A value is the median over repetitions, and the interval is their range."
ALL = (
    "Every benchmark, as it was last measured: with nothing else running, on two cores with AVX2, without AVX-512 and "
    "without a GPU (`race` counts questions and has no time). Unless the benchmark's own page says otherwise, a value "
    "is the ratio of the processor seconds of two alternatives that were run in turn. `triggerlens bench NAME` "
    "measures a benchmark again; NAME is the first word of a row. Rows without a commit were measured before commits "
    "were recorded."
)
REASONS = {
    "sampling: sampling / generate": "90 tokens a second at best, against 70; with other programs running, 75 against "
    "50, a ratio of 0.67. Matrix products are three quarters of our time (by the profile), and those of the answers' "
    "tokens are the same in both.",
    "sampling: time / limit": "Matrix products with 32 rows, for which all weights are read again at each step, are "
    "slower than the large ones that the limit was measured on. The limit does not include attention, which takes a "
    "tenth of the time, or elementwise operations. Packing the weights once for all steps was not tried.",
    "framings: batched generate": "Both compute each question and the 8 tokens of each answer; only the system "
    "prompt and the framing can be computed once.",
    "commands: dashboard": "The page draws 165 figures and shows answers, which are read with pandas. It took 9.9 s "
    "before SciPy was loaded only when needed.",
    "dashboard: dashboard_opening": "The page's main thread is busy for 1.76 processor seconds: it unpacks and runs "
    "Plotly, and draws. Text is painted after 0.25 s, and opening the page again in the same browser takes 0.65 s. The "
    "shares of Plotly and of drawing were not measured.",
    "growth: time, tokens, 34M": "The three slopes are uneven: 0.81 from 256 to 512 tokens, 1.18 and 1.27 before. "
    "Neither of the other models shows this. No defect was identified.",
    "growth: time, organisms": "The slope is 1.08 from two to four organisms and 1.28 from one to two. The study of "
    "one organism used a seed that the process had already studied, and data of that seed was still in memory. Since "
    "then, the benchmark gives each study new seeds.",
    "heads: heads": "When all tokens of a head are patched, everything above the head must be computed again from the "
    "first token that differs. This leaves 0.28 of the matrix products of the naive passes (`arithmetic`), and "
    "inserting each head takes another tenth. An exact map cannot be six times as fast here. For the residual stream "
    "the gain is larger, because the computation begins at the patched token.",
    "lora_step: LoRA step": "If rows have no common beginning, only the padding and the language-model head on "
    "prompt tokens can be saved: a tenth of the tokens, and a seventh of the time of a step of this shape.",
    "make: make demo": "In a fresh clone. Four of the 25 minutes are the answers of SmolLM2, which the 19.5 minutes of "
    "an earlier day did not have. Of the six minutes of one core that a contrast organism takes, a third trains two "
    "SAEs and a quarter is its fine-tuning. The last 73 seconds of the run compute all estimates and draw the page.",
    "make: make test": "There are more tests: 2,880 took 5 min 27 s on an earlier day, and now there are "
    "4,507.",
    "patching: patching / naive": "The ratio is 0.15 to naive passes that compute only the last token's logits. The "
    "aim of eight times as fast was set against TransformerLens, which computes all logits.",
    "patching: patching / transformer_lens": "One turn, which takes eight minutes. An earlier turn gave 0.123, so the "
    "aim lies between two turns.",
    "probe_sweep: probe_sweep_wide": "Nearly half of the time is spent on the product X X' of each fold (12 GFLOP, at "
    "60 GFLOP a second; each fold is standardised by its own rows, so the folds cannot share it), a sixth on its "
    "factorisation and a sixth on the solves.",
    "race: questions asked": "If several candidates are nearly equal, the race cannot separate them, and they are "
    "asked all questions. Only dropping candidates by rank got by with a quarter of the questions, and it chose the "
    "same candidate in only 42 to 70 % of cases.",
    "sae: sae": "Both run the same steps of the same trainer. Ours also checks every batch and, once, folds, saves and "
    "reads the result. The repetitions differ from each other by more than that.",
    "steering: dose response": "Nine strengths in one batch generate as many answer tokens as nine separate "
    "generations. Only the computation of prompts can be shared, and not even that if every token is edited. The "
    "record's `tokens_ratio` is the ratio to expect if a token costs the same in every batch.",
    "capture: all layers": "Nothing but the last token of each layer is copied. The turns differ from each other by "
    "far more than the two hundredths that the aim allows.",
    "capture: time / nnsight": "Both read the same tensors of the same forward pass. The turns differ from each other "
    "by far more than the result differs from the aim.",
    "workers: 2 workers": "A study of twelve tasks of three seconds. Each process loads torch and the libraries of a "
    "study once, before its first task. Two processes at a time are also slower than one, by a share that was not "
    "measured. Sending a task takes 0.06 % of the task's time. Ray is not installed here, and there are two cores.",
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
    """The records of all benchmarks; the name of each begins with its benchmark's name."""
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
