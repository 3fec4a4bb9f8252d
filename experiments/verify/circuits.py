"""Recomputes the records of circuits."""

from collections.abc import Iterator

from experiments.verify.rows import Record, Row, Run, where

AGREE, PASSES, SMALL = 0.95, 0.05, 0.1
RANKS = {
    "circuit_seed_correlation": "two seeds",
    "circuit_family_correlation": "two families",
    "circuit_base_correlation": "organism and its base",
}


def circuits(run: Run) -> Iterator[Record]:
    """The records of `circuits.json`."""
    for quantity, what in RANKS.items():
        rows = where(run.rows, quantity=quantity)
        yield from run.ends(f"rank correlation of nodes, {what}", rows)
    exact = where(run.rows, quantity="circuit_exact_correlation")
    for source, what in (("attribution", "attribution alone"), ("verified", "ten edges verified")):
        rows = [row for row in exact if row["source"] == source]
        yield _at_least(run.ends(f"correlation with exact patching, {what}", rows)[0])
    passes = where(run.rows, quantity="circuit_forward_passes")
    most = run.ends("forward passes, divided by those of exact patching", passes)[1]
    yield most | {"wanted": f"at most {PASSES}", "reached": most["value"] <= PASSES}
    for kind in ("faithfulness", "completeness"):
        yield from _alone(run, kind)
    planted = where(run.rows, quantity="circuit_planted_auroc")
    each, (mean,) = (
        [r for r in planted if (r["source"] == "all") == whole] for whole in (False, True)
    )
    yield _at_least(run.ends("edge AUROC, planted circuits", each)[0])
    yield _at_least(run.record("edge AUROC, mean of planted circuits", mean))


def _alone(run: Run, kind: str) -> Iterator[Record]:
    rows = [
        r for r in where(run.rows, quantity=f"circuit_{kind}") if abs(r["strength"] - SMALL) < 0.01
    ]
    parts: dict[str, list[Row]] = {"the circuit": [], "random circuits": []}
    for row in rows:
        parts["random circuits" if row.get("placebo") == "random" else "the circuit"].append(row)
    for what, chosen in parts.items():
        yield from run.ends(f"{kind} at a tenth of the edges, {what}", chosen)


def _at_least(record: Record) -> Record:
    return record | {"wanted": f"at least {AGREE}", "reached": record["value"] >= AGREE}
