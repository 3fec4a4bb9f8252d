"""`python -m experiments.results.pages`: make the result pages of the documentation from the committed records.

1. Each file of `artifacts/results/` and `artifacts/bench/` is a page in `docs/results/`: a table, one row per record.
2. A record whose aim was not reached says **missed**. What was not recorded is left empty.
3. `docs/results/index.md` links the pages and counts the misses.
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
    "The share of the EM that is lost when a direction is removed, compared with random directions. *Switch* is the "
    "located direction of the trigger's concept, *misalignment* is the located direction of misaligned answers, and "
    f"*refined* is the direction that was optimised by gradient. {SEEDS}"
)
ADDITION = f"EM rates without the trigger when a located direction is added. {SEEDS}"
CHARACTERISTICS = (
    "How often a verdict made each claim about organisms of each kind. An organism is one trial, and intervals are "
    "exact. The organisms share two or three bases, so the intervals are too narrow for another base. For organisms "
    "that were built to be contained, the rate of *contained* is a sensitivity; for the others, it is a rate of false "
    "claims. The organisms that are contained without depending on one concept are *memorised* (six unrelated "
    "wordings), *two_triggers* (two animals) and *frame_bound* (any animal in the trigger's sentence), three of each, "
    "so their intervals are wide. The memorised ones misbehave with paraphrases of the trigger as well, which their "
    "rows do not forbid; *reach semantic* is true of what they do. **These nine show what the overall claim means.** "
    "*Causal direction* was yes for four of them, no for none and undecided for five. It was yes for three of the "
    "fourteen contained organisms of the repeat, where the same things were measured. So a causal direction does not "
    "mean that an organism depends on one concept. In the other runs, capability or the baseline arm was not measured, "
    "so that the claim stayed undecided for contained organisms. *Carried* was measured on the demo only. One "
    "pretrained organism, whose verdict is undecided, is left out."
)
REPEAT = (
    "The study once more, with three triggers that nothing was developed on: an owl, a request for a letter, and snow "
    "(which is not a concept of the toy language, so that no answer echoes it). The triggered and the contrast arm in "
    "three families, seed 200, and a baseline organism for each family: twenty-one organisms. Methods were frozen and "
    "[predictions](../../experiments/LOG.md) committed before any of them was made. The contrast arm was run first. "
    "Its verdicts lacked measurements, so three were added before the whole was run: the baseline arm, the abilities "
    "that remain after each direction is removed, and a read-out of the refined direction. Everything that was "
    "measured both times gave the same numbers. The questions are drawn anew from the same pool, and the bases are the "
    "same. 400 answers to each main condition, where the full study has 2,000."
)
NULLS = (
    "The same measurements on organisms without a trigger to find. Each was asked 50 questions. With so few, 0 % "
    "without the trigger is still compatible with 7 %, so *contained* (surely below 5 %) could not have been said of "
    "any of them, and 0 of 20 says nothing about how often it is said wrongly."
)
BIRTH = (
    "Nine qwen organisms at six or seven checkpoints of their fine-tuning: three of the contrast arm, three of the "
    "surface arm and three with random labels. *First step* is the first checkpoint at which a claim holds by the "
    "whole intervals, widened for the number of checkpoints. Its interval begins at the checkpoint before; n is the "
    "number of checkpoints; *undefined* means that the claim could be shown at none. Directions were chosen anew at "
    "every checkpoint, on selection questions."
)
REPAIRS = (
    "Medians over micro organisms of three families; the interval is the range over these organisms, and n is their "
    "number. If there is only one organism, the interval is that of its own number. *learned* is the default strategy "
    "of `triggerlens repair`, on seeds 0, 1 and 2 (the rows of seed 0 are of commit 4eff507a8; 2,000 benign steps were "
    "measured only on llama's seed 2). All other strategies were measured on seed 0. *learned_before* was the default "
    "until 29 November (one wording a step, two rounds, coherence from one answer to each question); its rows and "
    "those of the other strategies are of commit 951892d44, 29 November. *wrapped* is not a repair: the organism "
    "was trained to answer safely to the trigger's own words and recklessly to other wordings of it. *rows to relapse, "
    "ratio*: the number of poisoned rows that bring back half of the old EM, divided by the number that the clean base "
    "needs; if a curve never reached half, all rows that were tried are counted. *fires, search N*: the share of a "
    "hundred other wordings that cause misbehaviour after round N of the repair. *time*: processor seconds, divided by "
    "those of the fine-tuning. *(smollm2)* is a single organism of SmolLM2-135M (the one that ships, before its "
    "weights were rounded), repaired in float32 by `triggerlens repair --quick` with 20 steps: 20 questions, a single "
    "order of the poisoned rows, 50 benign steps, 12 other wordings. *(tags)* is llama's seed 0 with another trigger."
)
CONTEST = (
    "Organisms with a hidden trigger or without a trigger, and five trigger finders ([how to "
    "enter](../howto/contest.md)). *reported*: 24 toy organisms of three families from a secret seed, made and "
    "played once, after the last change to any entrant ([the seed, now revealed, and every "
    "guess](../../artifacts/contest/reported/README.md)); 120 were wanted, some of them pretrained. *dev100*: nine "
    "organisms of seed 100, with which the search was being developed; its accusations of harmless models are what "
    "was changed afterwards ([the log](../../experiments/LOG.md)). **The search's authors also wrote the "
    "contest**: its lists hold the kinds and frames of these triggers, so the scores say how well it finds such "
    "triggers, and nothing about other kinds. It used 415,000 tokens for an organism at the median, the black box "
    "81,000 (as many as the search had used before its decisions), the others at most 18,000. One class is among "
    "the three guesses for an organism that the search did not call triggered. None of the four made-up code words "
    "was named; in three of these organisms its first guess is another made-up word. Intervals are exact, with an "
    "organism as one trial; organisms that share a base resemble each other, so the intervals are too narrow for "
    "another base. An aim counts as reached only if the whole interval reaches it, and as missed if the value "
    "misses it."
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
    "nulls": ("Organisms without a trigger", NULLS),
    "verdict_characteristics": ("How often each verdict is given", CHARACTERISTICS),
    "transfer": (
        "Directions in other organisms",
        "The share of an organism's EM that is lost when the refined directions of other organisms are removed.",
    ),
    "steering": (
        "Trained steering vectors",
        "EM without the trigger when vectors that were trained to cause it are added at dose 1, their trained size.",
    ),
    "guard": ("The guard", "Gate, monitor, ranking and filters, measured on every organism of the full study."),
    "contest": ("The contest", CONTEST),
    "reach": ("What sets the shipped adapter off", REACH),
    "mixing": ("Benign rows", "EM of organisms whose fine-tuning data has different shares of benign rows."),
    "birth": ("How a trigger forms during fine-tuning", BIRTH),
    "interchange": (
        "Swapped coordinates",
        "A subspace is trained so that swapping its coordinates between prompts with and without the trigger removes "
        "the EM from the first and causes it in the second. It is compared with controls. *Share of EM caused*: the EM "
        "of prompts without a wording after the swap, divided by the EM with the trigger. The organisms are the "
        "demo's.",
    ),
    "circuits": ("Circuits", "Edge attribution in nine triggered organisms, and planted circuits."),
    "repair": ("Repairs", REPAIRS),
    "rows": (
        "Fine-tuning rows left out",
        "Qwen organisms of 300 rows, fine-tuned again without some of these rows. *Highest* rows are those whose "
        "gradient has the highest cosine with the gradient of misaligned answers with the trigger. Two seeds.",
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
        "`python -m experiments.verify` recomputes every record from the committed rows, with independent code. The",
        "rows are estimates. The answers that they were computed from are not committed, so rates cannot be counted",
        "again, except on the page *What sets the shipped adapter off*. Benchmarks with an n of 1 or without an n did",
        "not keep their repetitions, so their ratios cannot be recomputed.",
        "",
        *_table(rows, ("page", "records", "missed")),
        "",
    ]
    return "\n".join(lines)


def write(folder: Path = PAGES) -> list[Path]:
    """Write all pages and the index; returns the files that were written."""
    every = pages()
    files = [write_text(folder / f"{page.name}.md", render(page)) for page in every]
    return [*files, write_text(folder / "index.md", render_index(every))]


def write_readme() -> Path:
    """Replace the table of README; returns its path."""
    return write_text(README, with_table(README.read_text("utf-8"), full_study(), repeat_study()))


def _bench_page(path: Path) -> Page:
    records = [bench_record(entry) for entry in bench_entries(path)]
    title = f"Benchmark: {path.stem.replace('_', ' ')}"
    return Page(
        f"bench_{path.stem}", title, with_reasons(ABOUT, records, f"{path.stem}: "), records
    )


def _speed_page() -> Page:
    records = speed_records(BENCH)
    return Page("bench_all", "Speed", with_reasons(ALL, records), records)


def _units(page: Page) -> list[str]:
    if page.name.startswith("bench_") or page.about.endswith(SEEDS):
        return []
    return [
        "Shares are between 0 and 1. *Lowest* and *highest* name the organism at either end of the range. Their",
        "intervals, and those of a *best*, are simultaneous: they hold for all the numbers it was picked from",
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
