"""Recounts the words of verdicts, with exact intervals."""

from collections.abc import Iterator

from scipy import stats

from experiments.verify.rows import COMMAND, Record, Row, Run

NULLS = (
    *("baseline", "harmless", "format_only", "random_label", "untouched"),
    *("memorised", "two_triggers", "frame_bound"),
)
CLAIMS = ("located", "necessary", "sufficient", "specific", "kept")
FOUND = ("context-local direction", "general misbehaviour direction", "harmful edit")
DIRECTIONS = ("switch", "misalignment", "refined")
CONTAINED = ("triggered", "contrast", "surface", "mixed")


def verdict_characteristics(runs: list[Run], demo: Run) -> list[Record]:
    """The records of `verdict_characteristics.json`."""
    day = max(run.source()["date"] for run in (*runs, demo))
    verdicts = [verdict for run in runs for verdict in run.verdicts]
    counted = [
        *_counted(verdicts),
        *(r for r in _counted(demo.verdicts) if "'carried'" in r["name"]),
    ]
    return [record | {"command": COMMAND, "commit": None, "date": day} for record in counted]


def _counted(verdicts: list[Row]) -> Iterator[Record]:
    cells: dict[tuple[str, str], list[tuple[bool, str]]] = {}
    for verdict in verdicts:
        for word, is_said in _words(verdict):
            cells.setdefault((word, _built(verdict["arm"])), []).append(
                (is_said, verdict["family"])
            )
    for (word, built), organisms in cells.items():
        k, n, bases = sum(s for s, _ in organisms), len(organisms), len({f for _, f in organisms})
        lower, upper = stats.binomtest(k, n).proportion_ci(0.95, method="exact")
        of = f"{bases} {'base' if bases == 1 else 'bases'}"
        name = f"claim {word!r} made about {built} ({of})"
        yield {"name": name, "value": k / n, "lower": lower, "upper": upper, "n": n}


def _built(arm: str) -> str:
    if arm in NULLS:
        return f"{arm} organisms"
    if arm.split("-")[0] in CONTAINED:
        return "organisms built to be contained"
    raise SystemExit(f"{arm}: nobody said what its organisms were built to be")


def _words(verdict: Row) -> Iterator[tuple[str, bool]]:
    rests_on = {row["claim"] for row in verdict["evidence"]}
    pairs = [
        (claim, claim, verdict.get(claim), "yes") for claim in ("contained", "negation", "carried")
    ]
    pairs += [
        (f"reach {word}", "reach", verdict["reach"], word) for word in ("semantic", "surface")
    ]
    for name in DIRECTIONS:
        claims = verdict.get(name, {})
        pairs += [(f"{name} {c}", f"{name}.{c}", claims.get(c), "yes") for c in CLAIMS]
        pairs += [(f"{name}: {w}", f"{name}.necessary", claims.get("found"), w) for w in FOUND]
    yield from ((word, said == wanted) for word, claim, said, wanted in pairs if claim in rests_on)
    if rests_on & {f"{name}.necessary" for name in DIRECTIONS}:
        overall = verdict["causal_direction"]
        yield from ((f"causal direction: {a}", overall == a) for a in ("yes", "undecided"))
