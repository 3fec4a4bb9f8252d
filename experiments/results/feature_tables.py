"""Does the SAE basis find what the probe found? The answer of one run as a table, from `estimates.jsonl`.

One row for each method and organism; then the quality of the SAEs, the best feature of each ranking, and the effect of
removing features. Nothing is computed here. A run whose configuration has no `[features]` has no such table.
"""

from collections.abc import Iterator, Sequence

from experiments.results.estimates import EstimateRow
from experiments.results.feature_names import BASIS, KINDS, SETS, WAYS
from experiments.results.format import percent
from experiments.results.load import OrganismResults, pick
from experiments.runtime.untrusted_text import inert

HEAD = (
    "organism",
    "method",
    "AUROC",
    "unseen wordings",
    "EM lost",
    "coherence lost",
    "nearest other method",
)
Lines = list[tuple[str, ...]]


def basis_table(organisms: Sequence[OrganismResults]) -> Lines:
    """Head and rows of the comparison."""
    rows = [line for it in organisms for line in _methods(it)]
    return [HEAD, *rows] if rows else []


def _methods(it: OrganismResults) -> Iterator[tuple[str, ...]]:
    rows = pick(it.rows, direction=BASIS)
    for source in dict.fromkeys(row.source for row in rows):
        mine = [row for row in rows if row.source == source]
        cells = (
            _number(_first(mine, "basis_auroc")),
            _number(_first(mine, "basis_transfer_auroc")),
            percent(_first(mine, "ablation_relative_drop")),
            percent(_first(mine, "coherence_loss")),
        )
        yield (inert(it.organism.name), inert(source), *cells, _nearest(mine))
    for edit in ("zero_features", "remove_features"):
        if chosen := pick(it.rows, direction=SETS, intervention=edit):
            lost = [
                percent(_first(chosen, q)) for q in ("ablation_relative_drop", "coherence_loss")
            ]
            name = f"{inert(chosen[0].source)}: {WAYS[edit]}"
            yield (inert(it.organism.name), name, "", "", *lost, "")


def _nearest(rows: Sequence[EstimateRow]) -> str:
    """The method with the most similar vector, and the cosine."""
    cosines = [row for row in rows if row.quantity == "basis_cosine" and row.value is not None]
    if not cosines:
        return ""
    best = max(cosines, key=lambda row: abs(row.value or 0.0))
    return f"{inert(best.get('to'))} {best.value:.2f}"


def quality_table(organisms: Sequence[OrganismResults]) -> Lines:
    """Explained variance, L0, silent features and recovered loss of every SAE, on report questions."""
    found: Lines = [("organism", "SAE", "layer", *KINDS.values())]
    for it in organisms:
        rows = [row for row in pick(it.rows) if row.quantity in KINDS]
        for source in dict.fromkeys(row.source for row in rows):
            mine = [row for row in rows if row.source == source]
            cells = [_number(_first(mine, quantity)) for quantity in KINDS]
            found.append((inert(it.organism.name), inert(source), str(mine[0].layer), *cells))
    return found if len(found) > 1 else []


def feature_table(organisms: Sequence[OrganismResults]) -> Lines:
    """The best feature of each ranking, confirmed on report questions, and how many were declared."""
    found: Lines = [("organism", "ranking", "best feature", "AUROC, report", "declared")]
    for it in organisms:
        rows = pick(it.rows, quantity="feature_auroc")
        counts = pick(it.rows, quantity="features_declared", split="selection")
        for row in _best(rows):
            sae = str(row.source).rpartition(" feature")[0]
            same = (sae, row.direction, row.position)
            count = next((c for c in counts if (c.source, c.direction, c.position) == same), None)
            words = (
                "" if count is None or count.value is None else f"{count.value:.0f} of {count.n}"
            )
            ranking = f"{row.direction}, {row.position}"
            cells = (inert(ranking), inert(row.source), _number(row), words)
            found.append((inert(it.organism.name), *cells))
    return found if len(found) > 1 else []


def _best(rows: Sequence[EstimateRow]) -> list[EstimateRow]:
    """The first row of each SAE and ranking: the feature ranked first on selection questions."""
    first: dict[tuple[str | None, ...], EstimateRow] = {}
    for row in rows:
        sae = str(row.source).rpartition(" feature")[0]
        first.setdefault((sae, row.direction, row.position), row)
    return list(first.values())


def removal_table(organisms: Sequence[OrganismResults]) -> Lines:
    """The effect of removing the chosen features, and random features that fire as often."""
    found: Lines = [("organism", "edit", "features", "EM lost", "coherence lost")]
    for it in organisms:
        for edit, words in WAYS.items():
            rows = pick(it.rows, intervention=edit)
            if rows:
                cells = (
                    percent(_first(rows, "ablation_relative_drop")),
                    percent(_first(rows, "coherence_loss")),
                )
                source = "" if edit.startswith("random") else inert(rows[0].source)
                found.append((inert(it.organism.name), words, source, *cells))
    return found if len(found) > 1 else []


TABLES = {
    "Does the SAE basis find what the probe found?": basis_table,
    "How good the SAEs are": quality_table,
    "The best features": feature_table,
    "What removing features does": removal_table,
}


def markdown(organisms: Sequence[OrganismResults]) -> str:
    """All tables that the run has rows for."""
    parts = []
    for title, make in TABLES.items():
        if lines := make(organisms):
            rows = [f"| {' | '.join(each)} |" for each in lines]
            parts.append(
                "\n".join([f"**{title}**", "", rows[0], "|---" * len(lines[0]) + "|", *rows[1:]])
            )
    return "\n\n".join(parts)


def _first(rows: Sequence[EstimateRow], quantity: str) -> EstimateRow | None:
    return next((row for row in rows if row.quantity == quantity), None)


def _number(row: EstimateRow | None) -> str:
    if row is None or row.value is None:
        return "n/a"
    if row.lower is None or row.upper is None:
        return f"{row.value:.2f}"
    return f"{row.value:.2f} [{row.lower:.2f}, {row.upper:.2f}]"
