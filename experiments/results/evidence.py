"""Finding the rows of one organism that a verdict rests on."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from experiments.results.estimates import Contradiction, EstimateRow, only, select
from experiments.results.picked import picked
from interp.errors import TriggerLensError
from probes.names import is_ceiling, is_control

# the base under its reckless persona with the organism's direction removed: the only row of a base model here
PERSONA, BASELINE = "persona_relative_drop", "baseline_arm_relative_drop"
ORGANISM = ("family", "seed", "arm", "dataset", "trigger")


@dataclass(frozen=True)
class Evidence:
    """The report rows of one organism, on one kind of questions, at its last training step."""

    keys: dict[str, Any]
    rows: tuple[EstimateRow, ...]
    selection: tuple[EstimateRow, ...]

    def simultaneous(self, among: int) -> "Evidence":
        """The same with intervals that hold for `among` claims at once, for a claim that one of several can support."""
        wide = tuple(picked(row, among) for row in self.rows)
        return replace(self, rows=wide)

    def em(self, condition: str, quantity: str = "em_rate") -> EstimateRow | None:
        """A rate of the intact organism under a condition."""
        found = select(self.rows, quantity=quantity, wording_kind=condition)
        return only([row for row in found if row.edit in (None, "none")])

    def wordings(self, kind: str) -> list[EstimateRow]:
        """EM rates of the intact organism under each paraphrase, each control, or each variant."""
        found = [
            row
            for row in select(self.rows, quantity="em_rate", wording_kind=kind)
            if row.edit in (None, "none")
        ]
        return sorted(found, key=lambda row: row.wording or "")

    def gap(self, quantity: str) -> EstimateRow | None:
        """The containment gap or the interaction; that of the trigger if several conditions have one."""
        found = select(self.rows, quantity=quantity, wording_kind=(None, "trigger"))
        return only([row for row in found if row.edit in (None, "none")])

    def edited(
        self,
        direction: str,
        edit: str,
        quantity: str,
        placebo: str | None = None,
        **keys: Any,
    ) -> list[EstimateRow]:
        """Rows of an edit with this direction, or with a placebo instead."""
        keys |= {"quantity": quantity, "edit": edit, "placebo": placebo, "direction": direction}
        return select(self.rows, **keys)

    def drop(self, direction: str, edit: str, placebo: str | None = None) -> EstimateRow | None:
        """EM lost with the trigger, or without it if only that was measured."""
        for condition in ("trigger", "none", None):
            rows = self.edited(direction, edit, "ablation_relative_drop", placebo)
            found = only(rows, wording_kind=condition)
            if found is not None:
                return found
        return None

    def strengths(self, direction: str) -> list[float]:
        """The strengths to judge: the one chosen on selection questions, or all that were tried.

        A strength counts as chosen by its EM rate without the trigger.
        """
        chosen = [row for row in self.selection if _added(row, direction) and row.value is not None]
        if chosen:
            best = max(chosen, key=lambda row: row.value or 0.0)
            return [best.strength or 0.0]
        found = [row.strength or 0.0 for row in self.rows if _added(row, direction)]
        return list(dict.fromkeys(found))

    def site(self, direction: str) -> dict[str, Any]:
        """Layer and position of the direction that was removed; empty if none was."""
        found = [
            {"layer": row.layer, "position": row.position}
            for row in self.rows
            if row.direction == direction
            and row.placebo is None
            and row.edit in ("ablate", "ablate_own_layer")
        ]
        sites = [dict(pair) for pair in dict.fromkeys(tuple(site.items()) for site in found)]
        if len(sites) > 1:
            raise Contradiction(
                f"{self.keys}: {direction} was removed at {sites}; name one of these"
            )
        return sites[0] if sites else {}

    def read_outs(self, direction: str) -> tuple[list[EstimateRow], list[EstimateRow]]:
        """AUROC rows of the direction's probes at its site, and of the controls they must beat."""
        site = self.site(direction)
        if not site:
            return [], []
        keys = {key: (value, None) for key, value in site.items()}
        found = select(self.rows, quantity="probe_auroc", direction=direction, **keys)
        probes = [row for row in found if not is_control(row.source)]
        return probes, [row for row in found if is_ceiling(row.source)]


def gather(
    rows: Iterable[EstimateRow], organism: dict[str, Any], *, questions: str = "held_out"
) -> Evidence:
    """The rows of an organism, given by its five keys; an AUROC row may leave `questions` null."""
    unknown = set(organism) ^ set(ORGANISM)
    if unknown:
        raise TriggerLensError(
            f"an organism is {', '.join(ORGANISM)}; wrong or missing: {sorted(unknown)}"
        )
    found = select(rows, **organism, questions=(questions, None))
    mine = [row for row in found if row.model != "base" or row.quantity == PERSONA]
    steps = [row.step for row in mine if row.step is not None]
    mine = [row for row in mine if not steps or row.step in (None, max(steps))]
    report = tuple(row for row in mine if row.split != "selection")
    return Evidence(dict(organism), report, tuple(select(mine, split="selection")))


def organisms(rows: Iterable[EstimateRow]) -> list[dict[str, Any]]:
    """Every fine-tuned organism that has an EM rate, in the order of the rows."""
    found = select(rows, model="fine_tuned", quantity="em_rate")
    keys = dict.fromkeys(tuple(row.get(key) for key in ORGANISM) for row in found)
    return [dict(zip(ORGANISM, values, strict=True)) for values in keys]


def _added(row: EstimateRow, direction: str) -> bool:
    named = row.direction == direction and row.quantity == "em_rate" and row.wording_kind == "none"
    return named and row.edit == "add" and row.placebo is None
