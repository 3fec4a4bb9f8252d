"""Tables of the page: an organism's guard and its SAE features, and how a run was made.

The template escapes the contents of a table; here texts are only cut to a readable length.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from experiments.dashboard.missing import Missing
from experiments.dashboard.run_files import Bypass, Gate, Monitored, Rank, guard_part, histograms
from experiments.results.format import decimal, percent
from experiments.results.load import OrganismResults, RunResults
from experiments.runtime.files import to_json
from experiments.runtime.untrusted_text import inert

FEATURES, EXAMPLES, TOKENS = 12, 6, 120  # shown: features, examples of each, tokens of each
NOT_COLUMNS = ("feature", "index", "examples")
FIRST = ("sae", "ranking", "auroc", "fires", "promotes", "suppresses", "neighbours")
SHORT = 3  # tokens and neighbours that are named for each feature
SHOWN = ("started", "ended", "seeds", "git")  # entries of a manifest that are in the table
FOLDED = {"config": "configuration", "packages": "packages", "files": "file hashes"}


@dataclass(frozen=True)
class Table:
    """Cells of text; the first cell of a row is its name. `csv` is the file name for download."""

    rows: Sequence[Sequence[str]]
    head: Sequence[str] = ()
    csv: str = ""
    note: str = ""
    examples: list[dict[str, Any]] = field(default_factory=list)  # texts in which features fire


def guard_table(results: OrganismResults) -> Table | Missing:
    """A line for each part of the guard that was measured."""
    lines: list[Sequence[str]] = []
    lines_of: dict[str, tuple[type[Any], Callable[[Any], Iterator[Sequence[str]]]]] = {
        "gate": (Gate, _gate),
        "monitor": (Monitored, _monitor),
        "rank": (Rank, _rank),
        "bypass": (Bypass, _bypass),
    }
    for name, (kind, words) in lines_of.items():
        rows: list[Any] | Missing = guard_part(results.guard.get(name, []), name, kind)
        if isinstance(rows, Missing):
            return rows
        lines += words(rows)
    if not lines:
        return Missing("no gate, monitor, ranking or bypass of this organism in guard/")
    return Table(
        [[cell[:300] for cell in line] for line in lines], ("part", "what", "found"), "guard"
    )


def _gate(rows: Sequence[Gate]) -> Iterator[Sequence[str]]:
    for row in rows:
        right = "correct" if row.right else f"should be {row.wanted}"
        first = f"; first broken: {row.broken[0]}" if row.broken else ""
        yield (
            "gate",
            f"n = {row.questions} questions",
            f"{row.verdict} ({right}) after {row.answers} answers{first}",
        )


def _monitor(rows: Sequence[Monitored]) -> Iterator[Sequence[str]]:
    for left_out in dict.fromkeys(row.left_out for row in rows):
        by = {row.quantity: row for row in rows if row.left_out == left_out}
        caught, flagged, auroc = (by.get(key) for key in ("caught", "false_positives", "auroc"))
        number = decimal(auroc.value, auroc.lower, auroc.upper) if auroc else "n/a"
        found = (
            f"AUROC {number}; caught {percent(caught)};"
            f" benign flagged {percent(flagged)}, set at 1 %"
        )
        yield "monitor", f"{left_out}, n = {caught.n if caught else 0}", found


def _rank(rows: Sequence[Rank]) -> Iterator[Sequence[str]]:
    for row in rows:
        found = f"the trigger has rank {row.place} of {row.candidates}"
        yield "ranking", f"n = {row.questions} questions", found


def _bypass(rows: Sequence[Bypass]) -> Iterator[Sequence[str]]:
    for row in rows:
        what = f"n = {row.firing} firing, of {row.tried}"
        yield "bypass", what, f"{percent(row)} of them pass {row.filter}"


def features_table(results: OrganismResults) -> Table | Missing:
    """The best features of an organism, and where they fire.

    A feature has `feature` (its index) and any of: numbers, words, estimates ({value, lower, upper}), and `examples`, a
    list of {tokens, values, condition}. Anything else is left out; what is malformed is left out and counted.
    """
    if results.features is None:
        return Missing("no features.jsonl with this organism: no sparse autoencoder was studied")
    found = results.features.get("features")
    listed = found if isinstance(found, list) else []
    rows = [row for row in listed if isinstance(row, dict)]
    if not rows:
        return Missing("features.jsonl holds no list of features for this organism")
    shown = [_lists_as_words(row) for row in _first_of_each(rows)[:FEATURES]]
    columns = [
        key
        for key in dict.fromkeys((*FIRST, *(key for row in shown for key in row)))
        if key not in NOT_COLUMNS and any(_words(row.get(key)) for row in shown)
    ]
    left_out = len(listed) - len(shown)
    return Table(
        [[_name(row), *(inert(_words(row.get(key)), 120) for key in columns)] for row in shown],
        ["feature", *(inert(key.replace("_", " "), 40) for key in columns)],
        "features",
        f"Not shown: {left_out} more." if left_out else "",
        [example for row in shown for example in _examples(row)],
    )


def _first_of_each(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sorted by rank: the best of each ranking comes before the second best of any."""
    seen: Counter[tuple[str, str]] = Counter()
    places = []
    for row in rows:
        ranking = (str(row.get("sae")), str(row.get("ranking")))
        places.append(seen[ranking])
        seen[ranking] += 1
    return [row for _, row in sorted(zip(places, rows, strict=True), key=lambda pair: pair[0])]


def _lists_as_words(row: dict[str, Any]) -> dict[str, Any]:
    """The row with its lists in a few words: where it fires, its decoder's effect on the logits, its neighbours."""
    worded = {
        "fires": ", ".join(f"{of.condition} {100 * of.fires:.0f} %" for of in histograms(row)[:20]),
        "promotes": _few(row.get("promotes"), lambda item: repr(item["token"])),
        "suppresses": _few(row.get("suppresses"), lambda item: repr(item["token"])),
        "neighbours": _few(
            row.get("neighbours"), lambda item: f"{item['feature']} ({item['cosine']:.2f})"
        ),
    }
    if isinstance(row.get("ranking"), str):
        worded["ranking"] = row["ranking"].replace("maximum over ", "")
    return row | {key: words for key, words in worded.items() if words or key in row}


def _few(found: Any, words: Callable[[Any], str]) -> str:
    try:
        return ", ".join(words(item) for item in found[:SHORT])
    except (TypeError, KeyError, ValueError):
        return ""


def _name(row: Mapping[str, Any]) -> str:
    """A feature's index, under any of its names."""
    return inert(row.get("feature", row.get("index", "?")), 40)


def _words(value: Any) -> str:
    """The text of a number, a word, or an estimate; empty for anything else."""
    if isinstance(value, Mapping) and "value" in value:
        numbers = [_words(value.get(key)) for key in ("value", "lower", "upper")]
        return f"{numbers[0]} [{numbers[1]}, {numbers[2]}]" if all(numbers) else numbers[0]
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:.3g}" if isinstance(value, float) else str(value)
    return value if isinstance(value, str) else ""


def _examples(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = row.get("examples")
    kept = [item for item in found if _is_example(item)] if isinstance(found, list) else []
    return [
        {
            "feature": _name(row),
            "condition": inert(item.get("condition") or "", 60),
            "tokens": [inert(token, 60) for token in item["tokens"][:TOKENS]],
            "values": [float(value) for value in item["values"][:TOKENS]],
        }
        for item in kept[:EXAMPLES]
    ]


def _is_example(item: Any) -> bool:
    if not isinstance(item, Mapping):
        return False
    tokens, values = item.get("tokens"), item.get("values")
    if not isinstance(tokens, list) or not isinstance(values, list) or len(tokens) != len(values):
        return False
    return all(isinstance(value, int | float) and value == value for value in values)


def how_made(run: RunResults) -> dict[str, Any]:
    """Counts and the manifest of a run: `tables` that are shown, and texts that are `folded` under their titles."""
    manifest = run.manifest or {}
    counts = {
        "estimates": len(run.estimates),
        "estimates without a value": sum(row.value is None for row in run.estimates),
        "verdicts": len(run.verdicts),
        "answers kept": len(run.answers),
        **_judged(run),
        "organisms with maps": len(run.maps),
        "organisms with SAE features": len(run.features),
    }
    facts = {key: manifest[key] for key in SHOWN if key in manifest}
    others = sorted(manifest.keys() - {*SHOWN, *FOLDED, "warnings"})
    titles = FOLDED | {key: key for key in others}
    return {
        "name": run.name,
        "warnings": run.warnings,
        "tables": [_facts(table) for table in (counts, facts) if table],
        "folded": {
            title: to_json(manifest[key], indent=2)
            for key, title in titles.items()
            if manifest.get(key)
        },
    }


def _facts(facts: Mapping[str, Any]) -> Table:
    return Table(
        [[key, value if isinstance(value, str) else to_json(value)] for key, value in facts.items()]
    )


def _judged(run: RunResults) -> dict[str, int]:
    """Numbers of kept answers by verdict, always including `missing`, and why scores are missing."""
    verdicts = Counter(str(answer["verdict"]) for answer in run.answers if answer.get("verdict"))
    missing = [answer for answer in run.answers if answer.get("verdict") == "missing"]
    reasons = Counter(str(answer.get("reason") or "no reason given") for answer in missing)
    verdicts.pop("missing", None)
    counts = {f"answers {verdict}": n for verdict, n in sorted(verdicts.items())}
    why = {f"without a score: {reason}": n for reason, n in reasons.most_common(20)}
    return counts | {"answers without a score": len(missing)} | why
