"""The interchange rows of one organism as a Markdown table: the claimed subspace first, then its controls."""

from collections.abc import Sequence

from experiments.results.estimates import EstimateRow, only, select
from experiments.results.format import percent

KINDS = {
    None: "trained for the trigger",
    "restart": "... from other random starts",
    "orthogonal": "... orthogonal to the first",
    "shuffled": "trained on shuffled donors",
    "other_variable": "trained for a control's wording",
    "keeps": "trained to change nothing",
    "random": "random",
}
BRINGS, TAKES, RATE = "interchange_brings", "interchange_takes", "interchange_em_rate"


def interchange_table(rows: Sequence[EstimateRow]) -> str:
    """The EM that swaps in each subspace cause and remove; then unseen wordings in the claimed subspace."""
    swaps = [row for row in rows if row.quantity == RATE and row.edit == "interchange"]
    if not swaps:
        return ""
    lines = [
        "| subspace of the header, swapped between questions | after layer | rank"
        " | EM without a wording, coordinates of the trigger | share caused"
        " | EM with the trigger, coordinates of no wording | share removed |",
        "|---" * 7 + "|",
    ]
    places = dict.fromkeys((row.placebo, row.layer, row.strength) for row in swaps)
    for placebo, layer, rank in sorted(places, key=lambda place: list(KINDS).index(place[0])):
        at = {"placebo": placebo, "layer": layer, "strength": rank}
        into = {"source": "trigger", "wording_kind": "none"}
        from_none = {"source": "none", "wording_kind": "trigger"}
        cells = [
            only(select(rows, quantity=quantity, **at, **place))
            for quantity, place in (
                (RATE, into),
                (BRINGS, into),
                (RATE, from_none),
                (TAKES, from_none),
            )
        ]
        texts = [KINDS[placebo], str(layer), f"{rank:g}", *map(percent, cells)]
        lines.append("| " + " | ".join(texts) + " |")
    return "\n".join([*lines, "", *_unseen(rows)])


def _unseen(rows: Sequence[EstimateRow]) -> list[str]:
    """Lines for wordings unseen in training, in the claimed subspace."""
    lines = [
        "| wording | EM | EM without a wording, coordinates of the wording | share caused"
        " | EM with the wording, coordinates of no wording | share removed |",
        "|---" * 6 + "|",
    ]
    claimed = select(rows, placebo=None)
    layer, rank = claimed_site(claimed)
    donors = dict.fromkeys(
        row.source for row in select(claimed, quantity=RATE, wording_kind="none") if row.source
    )
    for donor in donors:
        into = {"source": donor, "wording_kind": "none"}
        back = {"source": "none", "condition": donor}
        at = {"layer": layer, "strength": rank}
        cells = [
            only(select(claimed, quantity=RATE, edit="none", condition=donor)),
            only(select(claimed, quantity=RATE, **at, **into)),
            only(select(claimed, quantity=BRINGS, **at, **into)),
            only(select(claimed, quantity=RATE, **at, **back)),
            only(select(claimed, quantity=TAKES, **at, **back)),
        ]
        texts = [str(donor), *(percent(cell) if cell else "" for cell in cells)]
        lines.append("| " + " | ".join(texts) + " |")
    return lines if len(lines) > 2 else []


def claimed_site(rows: Sequence[EstimateRow]) -> tuple[int | None, float]:
    """Layer and rank of the claimed subspace: its rows come first."""
    row = next(row for row in rows if (row.quantity, row.edit) == (RATE, "interchange"))
    return row.layer, row.strength or 0.0
