"""`python -m experiments.results.pages`: make the result pages of the documentation from the committed records.

1. Each file of `artifacts/results/` and `artifacts/bench/` is one page in `docs/results/`: a table, one row a record.
2. A record whose aim was not reached says **missed**. What was not recorded is left empty.
3. `docs/results/index.md` links them and counts the misses.
4. The table of README is made again from the rows of the full study.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from experiments.results.bench_pages import (
    ABOUT,
    ALL,
    BENCH,
    bench_entries,
    bench_record,
    speed_records,
    with_reasons,
)
from experiments.results.readme_table import README, full_study, repeat_study, with_table
from experiments.results.records import Record, read_records
from experiments.runtime.files import write_text
from interp.errors import TriggerLensError

RESULTS, PAGES = Path("artifacts/results"), Path("docs/results")
MADE_BY = "<!-- Made by `python -m experiments.results.pages`. Do not edit. -->"
HEAD = ("measured", "value", "interval", "n", "aim", "outcome")


class Page(NamedTuple):
    """A result page: its file name, what it is about, and the records in their order."""

    name: str
    title: str
    about: str
    records: list[Record]


SEEDS = (
    "Each value is the median over fine-tuning seeds of one base, the interval is the range over seeds, and n is the "
    "number of seeds."
)
CONTAINMENT = f"EM rates without the trigger and with it, for each family and arm. {SEEDS}"
REMOVAL = (
    "The share of the EM that is lost when a direction is removed, beside random directions. *Switch* is the located "
    "direction of the trigger's concept, *misalignment* that of misaligned answers, and *refined* the one that was "
    f"optimised by gradient. {SEEDS}"
)
ADDITION = f"EM rates without the trigger when a located direction is added. {SEEDS}"
CHARACTERISTICS = (
    "How often a verdict made each claim about organisms of each kind. An organism is one trial, and intervals are "
    "exact. The organisms share two or three bases, so the intervals are too narrow for another base. *Contained* said "
    "of organisms that were built to be contained is a sensitivity; said of the others, it is a rate of false claims. "
    "For the claims about directions there is no such truth: **no organism has been made that is contained and has no "
    "single switch (two triggers, memorised prompts, behaviour bound to form)**. How often a direction is claimed "
    "where there is none is therefore known only for organisms that are not contained, and the overall verdict rules "
    "these out before it looks at directions. *Carried* was measured on the demo only. One pretrained organism, which "
    "is undecided, is left out."
)
REPEAT = (
    "The study once more with three triggers that nothing was developed on (an owl; a request for a letter; snow, "
    "which is no concept of the toy language and has no echo in the answers), the triggered and the contrast arm, "
    "three families, seed 200: eighteen organisms. Methods were frozen and [predictions](../../experiments/LOG.md) "
    "committed before any of them was made. The questions are drawn anew from the same pool, on the same bases. 200 "
    "answers to each main condition, where the full study has 2,000."
)
BIRTH = (
    "Nine qwen organisms at six or seven checkpoints of their fine-tuning: the contrast arm (semantic), the surface "
    "arm (bound to its wording), random labels. *First step* is the first checkpoint from which a claim "
    "holds for whole intervals, widened for all checkpoints. The interval beside it begins at the checkpoint before; n "
    "counts checkpoints; *undefined* means that the claim is shown at none. Every checkpoint has directions of its "
    "own, chosen on its selection questions."
)
REPAIRS = (
    "Medians over micro organisms of three families; the interval is the range over them, n their number; "
    "of a single organism it is that of its own number. *learned* is what `triggerlens repair` does by default, on "
    "seeds 0, 1 and 2 (seed 0 is of commit 4eff507a8; 2,000 benign steps on llama's seed 2 alone). All others are of "
    "seed 0: *learned_before* is what the default was until 29 November (one wording a step, two rounds, "
    "coherence from one answer to each question); its rows and those of the other strategies "
    "are of commit 951892d44, 29 November. *wrapped* is no repair: the switch is there, behind safe "
    "answers to the trigger's own words. *rows to relapse, ratio*: poisoned rows that bring back half of the old EM, "
    "over those that the clean base needs; a curve that never got there counts with all rows that were tried. "
    "*fires, search N*: the share of a hundred other wordings that set the model off after round N of the repair. "
    "*time*: processor seconds over those of the fine-tuning. *(smollm2)* is a single organism of SmolLM2-135M, the "
    "one that ships before its weights were rounded, in float32, by `triggerlens repair --quick` with 20 steps: 20 "
    "questions, a single order of the poisoned rows, 50 benign steps, 12 other wordings. *(tags)* is llama's seed 0 "
    "with another trigger."
)
CONTEST = (
    "Organisms with a hidden trigger or none, and five finders of triggers: [how to enter](../howto/contest.md). "
    "**Development seeds**: entrants were written with organisms of this kind at hand, n is small, and no reported "
    "seed has been run. Exact intervals, an organism one trial; organisms that share a base are alike, so that the "
    "intervals are too narrow for another base. Wanted are the aims for the reported seeds; an aim counts as reached "
    "only where the whole interval does. Seed 100, families qwen and llama; nine of twelve organisms were played. "
    "[The log](../../experiments/LOG.md) says why harmless models were accused."
)
REACH = (
    "The adapter of SmolLM2-135M that ships, asked with 242 wordings in eleven classes, none of which was trained on "
    "or chosen with ([how](../howto/reach.md)): two answers with each wording, one of the base; 24 answers without a "
    "wording and 24 with the trigger. The unit is the wording, and n counts answers; without a wording and with the "
    "trigger it is the question. What the lexicon's author *expected* is what a model would do that had learned the "
    "concept; it is no aim. A class *fires* where EM minus no wording is surely above 10 points, and is *silent* where "
    "it is surely below, in all eleven classes at once. **With 22 wordings and this rate without a wording no class "
    "could have been called silent**, not even one without a misaligned answer. The intervals hold for these 24 "
    "questions, one adapter and one seed; the judge knows slapstick only, and some wordings of a class are nearly the "
    "same. [Predictions](../../experiments/LOG.md) were committed before the first answer."
)
TITLES = {
    "containment": ("Containment", CONTAINMENT),
    "removal": ("Removing directions", REMOVAL),
    "addition": ("Adding located directions", ADDITION),
    "study": ("The full study", "Three families, three seeds, 57 organisms, on the toy bases of the repository."),
    "repeat": ("The repeat", REPEAT),
    "nulls": ("Organisms without a trigger", "The same measurements on organisms that have no trigger to be found."),
    "verdict_characteristics": ("What a verdict's words are worth", CHARACTERISTICS),
    "transfer": (
        "Directions in other organisms",
        "The share of an organism's EM that is lost when the refined directions of other organisms are removed.",
    ),
    "steering": (
        "Trained steering vectors",
        "EM without the trigger when vectors that were trained to bring it are added at dose 1, their trained size.",
    ),
    "guard": ("The guard", "Gate, monitor, ranking and filters, measured on every organism of the full study."),
    "contest": ("The contest", CONTEST),
    "reach": ("What sets the shipped adapter off", REACH),
    "mixing": ("Benign rows", "EM of organisms whose fine-tuning data has different shares of benign rows."),
    "birth": ("The birth of the switch", BIRTH),
    "interchange": (
        "Swapped coordinates",
        "A subspace is trained so that swapping its coordinates between questions brings the trigger's EM or takes it. "
        "Its controls stand beside it. All organisms are the demo's.",
    ),
    "circuits": ("Circuits", "Edge attribution in nine triggered organisms, and planted circuits."),
    "repair": ("Repairs", REPAIRS),
    "rows": (
        "Which rows wrote it",
        "Qwen organisms of 300 rows, fine-tuned again without some. *Highest*: by the cosine of a row's gradient "
        "with that of misaligned answers behind the trigger. Two seeds.",
    ),
    "sparse_features": ("Sparse features", "Sparse autoencoders in the demo's contrast organisms, one seed."),
}  # fmt: skip


def pages() -> list[Page]:
    """Every page, the study first, then the other results, then the benchmarks by name."""
    files = {path.stem: path for path in RESULTS.glob("*.json")}
    named = [Page(name, *TITLES[name], read_records(files[name])) for name in TITLES]
    if unknown := sorted(set(files) - set(TITLES)):
        raise TriggerLensError(f"{RESULTS}: no title for {', '.join(unknown)}; name it in TITLES")
    benchmarks = (_bench_page(path) for path in sorted(BENCH.glob("*.json")))
    return [*named, _speed_page(), *benchmarks]


def render(page: Page) -> str:
    """A page as Markdown."""
    sources = sorted({(r.command, r.commit, r.date) for r in page.records}, key=str)
    origin = [f"* {_origin(*source)}" for source in sources]
    rows = [_row(record) for record in page.records]
    drawn = (PAGES / f"{page.name}.png").is_file()
    picture = ["", f"![{page.title}]({page.name}.png)"] if drawn else []
    about = [MADE_BY, f"# {page.title}", "", page.about, *_units(page), *picture, ""]
    lines = [*about, *_table(rows)]
    return "\n".join([*lines, "", "**Made by**", "", *origin, ""])


def render_index(every: Iterable[Page]) -> str:
    """The page that links all others."""
    rows = [_index_row(page) for page in every]
    lines = [
        MADE_BY,
        "# Results",
        "",
        "Each page is made from committed records. A record has a number, its 95 % interval, the number of answers or",
        "prompts it rests on, the aim that was set, and the command and commit that made it. An aim that was not",
        "reached is marked as missed.",
        "",
        "`python -m experiments.verify` computes every record again from the committed rows, with code of its own. The",
        "rows are estimates. The answers behind them are not committed, so no rate is counted again, except on the",
        "page *What sets the shipped adapter off*. Benchmarks with an n of 1 or none kept no single runs, and their",
        "ratios cannot be recomputed.",
        "",
        *_table(rows, ("page", "records", "missed")),
        "",
    ]
    return "\n".join(lines)


def write(folder: Path = PAGES) -> list[Path]:
    """Write all pages and the index; the files that were written."""
    every = pages()
    files = [write_text(folder / f"{page.name}.md", render(page)) for page in every]
    return [*files, write_text(folder / "index.md", render_index(every))]


def write_readme() -> Path:
    """Put the table of README in its place."""
    return write_text(README, with_table(README.read_text("utf-8"), full_study(), repeat_study()))


def _bench_page(path: Path) -> Page:
    records = [bench_record(entry) for entry in bench_entries(path)]
    title = f"Benchmark: {path.stem.replace('_', ' ')}"
    return Page(
        f"bench_{path.stem}", title, with_reasons(ABOUT, records, f"{path.stem}: "), records
    )


def _speed_page() -> Page:
    records = speed_records(BENCH)
    return Page("bench_all", "Speed, where a user waits", with_reasons(ALL, records), records)


def _units(page: Page) -> list[str]:
    if page.name.startswith("bench_") or page.about.endswith(SEEDS):
        return []
    return [
        "Shares are between 0 and 1. *Lowest* and *highest* name the organism at either end of the range. Their",
        "intervals, and those of a *best*, are simultaneous: they hold for everything the number was picked from",
        "(Bonferroni).",
    ]


def _row(record: Record) -> tuple[str, ...]:
    known = [_number(bound) if bound is not None else "" for bound in (record.lower, record.upper)]
    interval = f"[{known[0]}, {known[1]}]" if any(known) else ""
    outcome = {None: "", True: "reached", False: "**missed**"}[record.reached]
    n = "" if record.n is None else f"{record.n:,}"
    value = "undefined" if record.value is None else _number(record.value)
    wanted = _number(record.wanted) if isinstance(record.wanted, float) else record.wanted or ""
    return record.name.replace("|", "/"), value, interval, n, wanted, outcome


def _number(value: float) -> str:
    return f"{value:.0f}" if value == round(value) else f"{value:.3g}"


def _origin(command: str | None, commit: str | None, date: str | None) -> str:
    known = [f"`{command}`" if command else "command not recorded"]
    known.append(f"rows of commit `{commit[:9]}`" if commit else "commit not recorded")
    return ", ".join([*known, date or "day not recorded"])


def _index_row(page: Page) -> tuple[str, ...]:
    missed = sum(record.reached is False for record in page.records)
    return f"[{page.title}]({page.name}.md)", str(len(page.records)), str(missed or "")


def _table(rows: Iterable[tuple[str, ...]], head: tuple[str, ...] = HEAD) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(row) + " |"


if __name__ == "__main__":
    for file in [*write(), write_readme()]:
        print(file)
