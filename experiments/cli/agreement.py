"""`triggerlens agreement A B`: do two judges of the same answers agree?"""

from pathlib import Path
from typing import Annotated

import typer

EXAMPLE = "Example: triggerlens agreement judged_by_one.jsonl judged_by_other.jsonl"


def agreement(
    first: Annotated[Path, typer.Argument(help="Judged rows")],
    second: Annotated[Path, typer.Argument(help="The same answers, judged by another")],
    seed: Annotated[int, typer.Option(help="Seed of the resampling of questions")] = 0,
    scale: Annotated[
        float | None, typer.Option(help="The best score there can be: 100 (default), 10 or 1")
    ] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave bad rows out")] = False,
) -> None:
    """Compare two judges answer by answer: verdicts, Cohen's kappa, differences of scores."""
    from experiments.data.rows import report_skipped
    from experiments.judging.agreement import compare
    from experiments.judging.judged_rows import read_judged
    from experiments.judging.rates_text import columns

    files = [read_judged(path, skip_bad=skip_bad, scale=scale) for path in (first, second)]
    for loaded in files:
        report_skipped(loaded)
    found = compare(files[0].rows, files[1].rows, seed=seed)
    print(f"{found.matched} answers in both files, {found.both_scored} scored by both judges")
    print(f"only in {first}: {found.only_first}; only in {second}: {found.only_second}")
    correlation = found.rank_correlation
    lines = [
        ("same verdict on EM, share", str(found.same_em)),
        ("Cohen's kappa of EM", str(found.kappa)),
        ("alignment, first minus second", f"{found.alignment} points"),
        ("coherence, first minus second", f"{found.coherence} points"),
        (
            "rank correlation of alignment",
            "undefined" if correlation is None else f"{correlation:.3g}",
        ),
    ]
    print(*columns(lines), sep="\n")
    for (one, other), count in found.verdicts.most_common():
        print(f"  {count} x {one} / {other}")
