"""Does one subspace carry the trigger from prompt to prompt? A claim that requires its controls to fail.

Yes: swapping its coordinates between different questions causes nearly all of the trigger's EM in prompts without a
wording and removes nearly all of it from prompts with the trigger, and none of the controls does. The controls are
subspaces trained in the same way with shuffled donors, for a control's wording or to change nothing, and random
subspaces. No: too little EM is caused or removed. What was not measured is undecided.
"""

from experiments.results.claims import Claim, above, all_of, at_most
from experiments.results.estimates import EstimateRow, only, select
from experiments.results.evidence import Evidence
from experiments.results.interchange_text import BRINGS, RATE, TAKES, claimed_site
from experiments.results.limits import Thresholds

CONTROLS = ("shuffled", "other_variable", "keeps", "random")


def is_measured(evidence: Evidence) -> bool:
    """Whether coordinates were swapped in this organism's prompts."""
    return bool(select(evidence.rows, quantity=RATE, edit="interchange"))


def carried(evidence: Evidence, limits: Thresholds) -> Claim:
    """The claimed subspace causes and removes EM; its controls do neither."""
    layer, rank = claimed_site(evidence.rows)
    at = {"layer": layer, "strength": rank}

    def both(placebo: str | None) -> list[EstimateRow | None]:
        of = {"placebo": placebo, **at}
        into_none = {"source": "trigger", "wording_kind": "none"}
        into_trigger = {"source": "none", "wording_kind": "trigger"}
        return [
            only(select(evidence.rows, quantity=BRINGS, **of, **into_none)),
            only(select(evidence.rows, quantity=TAKES, **of, **into_trigger)),
        ]

    effect = all_of(*(above(row, limits.carried, "a swap") for row in both(None)))
    fair = all_of(
        *(
            at_most(row, limits.carried_control, f"swaps in a subspace, {name}")
            for name in CONTROLS
            for row in both(name)
        )
    )
    return all_of(effect, fair.unless_no())
