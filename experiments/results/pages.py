"""`python -m experiments.results.pages`: make the result pages of the documentation from the committed records.

1. Each file of `artifacts/results/` and `artifacts/bench/` is one page in `docs/results/`, a table with a row a record.
2. A record whose aim was not reached says **missed**; what was not recorded is left empty.
3. `docs/results/index.md` links them and counts the misses.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from experiments.results.records import Record, read_records
from experiments.runtime.files import read_json, write_text
from interp.errors import TriggerLensError

RESULTS, BENCH, PAGES = Path("artifacts/results"), Path("artifacts/bench"), Path("docs/results")
BENCH_COMMAND = "python -m experiments.benchmarks"
MADE_BY = "<!-- Made by `python -m experiments.results.pages`. Do not edit. -->"
HEAD = ("measured", "value", "interval", "n", "wanted", "")


class Page(NamedTuple):
    """A result page: its file name, what it is about, and the records in their order."""

    name: str
    title: str
    about: str
    records: list[Record]


SEEDS = "Medians over fine-tuning seeds of one base; the interval is the range over seeds, n the number of seeds."
TITLES = {
    "containment": ("Containment", SEEDS),
    "removal": ("Removing directions", SEEDS),
    "addition": ("Adding located directions", SEEDS),
    "study": ("The full study", "Three families, three seeds, 57 organisms, on the toy bases of the repository."),
    "nulls": ("Organisms without a trigger", "What the same measurements say where there is nothing to find."),
    "transfer": ("Directions in other organisms", "Refined directions removed from organisms they were not fitted in."),
    "steering": ("Trained steering vectors", "EM without the trigger when vectors trained for it are added at dose 1."),
    "guard": ("The guard", "Gate, monitor, ranking and filters over every organism of the full study."),
    "mixing": ("Benign rows", "Containment along the share of benign rows in the fine-tuning data."),
    "interchange": ("Swapped coordinates", "A subspace trained to carry the trigger, beside controls; the demo."),
    "sparse_features": ("Sparse features", "The contrast organisms of the demo, one seed."),
}  # fmt: skip


def pages() -> list[Page]:
    """Every page, the study first, then the other results, then the benchmarks by name."""
    files = {path.stem: path for path in RESULTS.glob("*.json")}
    named = [Page(name, *TITLES[name], read_records(files[name])) for name in TITLES]
    if unknown := sorted(set(files) - set(TITLES)):
        raise TriggerLensError(f"{RESULTS}: no title for {', '.join(unknown)}; name it in TITLES")
    return [*named, *(_bench_page(path) for path in sorted(BENCH.glob("*.json")))]


def render(page: Page) -> str:
    """A page as Markdown."""
    sources = sorted({(r.command, r.commit, r.date) for r in page.records}, key=str)
    origin = [f"* {_origin(*source)}" for source in sources]
    rows = [_row(record) for record in page.records]
    lines = [MADE_BY, f"# {page.title}", "", page.about, *_units(page), "", *_table(rows)]
    return "\n".join([*lines, "", "**Made by**", "", *origin, ""])


def render_index(every: Iterable[Page]) -> str:
    """The page that links all others."""
    rows = [_index_row(page) for page in every]
    lines = [
        MADE_BY,
        "# Results",
        "",
        "Each page is made from committed records: the number, its 95 % interval, how many answers or prompts",
        "it rests on, what was wanted, and the command and commit that made it.",
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


def _bench_page(path: Path) -> Page:
    found = read_json(path)
    entries = found if isinstance(found, list) else [found]
    about = "Ratios of times or of memory, medians over the turns; the interval is the range of the turns."
    title = f"Benchmark: {path.stem.replace('_', ' ')}"
    return Page(f"bench_{path.stem}", title, about, [_bench_record(e) for e in entries])


def _bench_record(entry: dict[str, Any]) -> Record:
    turns = entry.get("ratios", [])
    return Record(
        name=entry["name"],
        value=entry["ratio"],
        lower=min(turns, default=None),
        upper=max(turns, default=None),
        n=len(turns) or None,
        wanted=f"at most {entry['target']:.3g}",
        reached=entry["reached"],
        command=entry.get("command", BENCH_COMMAND),
        commit=entry.get("commit"),
        date=entry.get("date"),
    )


def _units(page: Page) -> list[str]:
    if page.name.startswith("bench_"):
        return []
    return [
        "Shares are between 0 and 1. *Lowest* and *highest* name the organism at either end of the range."
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
    for file in write():
        print(file)
