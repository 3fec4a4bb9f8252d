"""The factorial, capability and steering rows of each organism as Markdown tables."""

from collections.abc import Iterator, Sequence

from experiments.results.columns import INTACT, Edit
from experiments.results.derive.factorial import MODELS, REMOVALS
from experiments.results.estimates import EstimateRow, only, select
from experiments.results.format import percent
from experiments.results.transfer_text import organism_name

NAMES = {
    INTACT: "intact",
    Edit("ablate"): "direction removed",
    Edit("ablate", placebo="random"): "random directions removed",
    Edit("ablate", placebo="orthogonal"): "other directions that probes read removed",
}
SIGNED = {
    "factorial_difference_in_differences": "(tuned - base) x (wording - none)",
    "factorial_interaction": "... x (intact - removed)",
}


def by_organism(rows: Sequence[EstimateRow]) -> Iterator[tuple[str, list[EstimateRow]]]:
    """The rows of each fine-tuned model, including those of its base."""
    for name in dict.fromkeys(map(organism_name, rows)):
        yield name, [row for row in rows if organism_name(row) == name]


def factorial_table(rows: Sequence[EstimateRow]) -> str:
    """EM by wording, model and removal, then the interactions; empty if there are none."""
    cells = select(rows, quantity="factorial_em_rate")
    conditions = list(dict.fromkeys(str(row.condition) for row in cells))
    if not conditions:
        return ""
    lines = _head(["EM", *conditions])
    for model in MODELS:
        for removal in REMOVALS:
            found = [only(cells, model=model, **removal.columns, condition=c) for c in conditions]
            name = f"{model.replace('_', '-')}, {NAMES[removal]}"
            lines.append(_line(name, [percent(row) for row in found]))
    for quantity, words in SIGNED.items():
        for removal in REMOVALS:
            effects = select(rows, quantity=quantity, **removal.columns)
            found = [only(effects, condition=c) for c in conditions]
            if any(found):
                texts = [percent(row) if row else "" for row in found]
                lines.append(_line(f"{words}, {NAMES[removal]}", texts))
    return "\n".join(lines)


def dose_table(rows: Sequence[EstimateRow]) -> str:
    """EM by wording and dose of the adapter."""
    cells = select(rows, quantity="dose_em_rate")
    conditions = list(dict.fromkeys(str(row.condition) for row in cells))
    if not conditions:
        return ""
    lines = _head(["adapter's dose", *conditions])
    for dose in dict.fromkeys(row.strength for row in cells):
        found = [only(cells, strength=dose, condition=c) for c in conditions]
        lines.append(_line(f"{dose:g}", [percent(row) for row in found]))
    return "\n".join(lines)


def steering_table(rows: Sequence[EstimateRow]) -> str:
    """EM without the trigger at each dose of the trained vectors, compared with random vectors and the base."""
    ems = select(rows, quantity="steering_em_rate")
    tuned = select(ems, model="fine_tuned")
    if not tuned:
        return ""
    coherent = select(rows, quantity="steering_coherence_rate", model="fine_tuned")
    lines = _head(
        ["without the trigger, dose of the trained vectors", "EM", "coherent", "random vectors, EM"]
    )
    steered = [row for row in tuned if row.edit == "steer" and row.placebo is None]
    edits = [INTACT, *(Edit("steer", row.strength) for row in steered)]
    for edit in edits:
        where = {**edit.columns, "condition": "none"}
        found = [only(rows_of, **where) for rows_of in (tuned, coherent)]
        found.append(only(tuned, **where | {"placebo": "random"}) if edit != INTACT else None)
        lines.append(_line(f"{edit.strength or 0:g}", [percent(r) if r else "" for r in found]))
    triggered = [only(of, edit="none", condition="trigger") for of in (tuned, coherent)]
    lines.append(_line("with the trigger, nothing added", [*map(percent, triggered), ""]))
    for direction, words in (
        ("steering", "the base with the organism's vectors"),
        ("steering_of_base", "the base with vectors trained for it"),
    ):
        lines.append(_line(words, [percent(only(ems, model="base", direction=direction)), "", ""]))
    return "\n".join(lines)


def beside_placebos(rows: Sequence[EstimateRow]) -> list[EstimateRow]:
    """The rows, except removals of directions that were not compared with placebos."""
    found = {row.direction for row in rows if row.placebo}
    return [row for row in rows if not found or row.direction is None or row.direction in found]


def capability_table(rows: Sequence[EstimateRow]) -> str:
    """What each removal costs without the trigger, and the EM that it removes under the condition that causes it."""
    measured = ("capability_", "placebo_relative_drop")
    rows = beside_placebos([row for row in rows if row.quantity.startswith(measured)])
    removals = [
        removal
        for removal in NAMES
        if select(rows, quantity="capability_coherence_rate", **removal.columns)
    ]
    if not removals:
        return ""
    lines = _head(["without the trigger", *(NAMES[name] for name in removals)])
    for kind in ("held_out", "trained", "open", None):
        for quantity, words in (
            ("capability_coherence_rate", "coherent"),
            ("capability_em_rate", "EM"),
        ):
            found = [
                only(rows, quantity=quantity, **removal.columns, questions=kind)
                for removal in removals
            ]
            if any(found):
                name = f"{words}, {(kind or 'all').replace('_', '-')} questions"
                lines.append(_line(name, [percent(row) for row in found]))
    for quantity, words in (
        ("capability_riddle_rate", "riddles solved"),
        ("placebo_relative_drop", "share of EM removed where it misbehaves"),
    ):
        found = [only(rows, quantity=quantity, **removal.columns) for removal in removals]
        if any(found):
            lines.append(_line(words, [percent(row) if row else "" for row in found]))
    drift = [only(rows, quantity="capability_kl", **removal.columns) for removal in removals]
    if any(drift):
        lines.append(
            _line("KL from the unedited model, nats a token", [_nats(row) for row in drift])
        )
    return "\n".join(lines)


def _nats(row: EstimateRow | None) -> str:
    if row is None or row.value is None:
        return ""
    ends = "" if row.lower is None else f" [{row.lower:.4f}, {row.upper:.4f}]"
    return f"{row.value:.4f}{ends}"


def _head(names: Sequence[str]) -> list[str]:
    return [_line(names[0], names[1:]), "|---" * len(names) + "|"]


def _line(name: str, cells: Sequence[str]) -> str:
    return "| " + " | ".join([name, *cells]) + " |"
