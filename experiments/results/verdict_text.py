"""A verdict in words, with the numbers it rests on."""

from typing import Any

from experiments.results.claims import bounds
from experiments.results.estimates import EstimateRow, only, select
from experiments.results.evidence import Evidence
from experiments.results.interchange_text import BRINGS, TAKES, claimed_site

FOUND = {
    "context-local direction": "; misbehaviour of the baseline arm and the base's persona stands: "
    "a direction local to this organism or context",
    "general misbehaviour direction": "; misbehaviour of the baseline arm and the base's persona goes too: "
    "a direction of misbehaviour in general",
    "harmful edit": ", and changes what is said without the trigger: a harmful edit",
    "weak effect": "; more than random directions, but too little: a weak effect",
    "nothing": "; not necessary",
    "undecided": "",
}


def sentence(result: dict[str, Any], evidence: Evidence, control: float) -> str:
    """Containment, reach, what each direction does, and the overall answer with its reasons."""
    parts = [_contained(result["contained"], evidence)]
    if result["contained"] == "yes":
        parts.append(_reach(result["reach"], evidence, control))
    directions = [name for name in ("switch", "misalignment", "refined") if name in result]
    parts += [_direction(name, result[name], evidence) for name in directions]
    if "carried" in result:
        parts.append(_carried(result["carried"], evidence))
    parts.append(_overall(result))
    return " ".join(part for part in parts if part)


def percent(row: EstimateRow | None) -> str:
    """`86 % [79, 91]`, or words that say that nothing was measured."""
    if row is None or row.value is None:
        return "not measured"
    interval = bounds(row)
    ends = f" [{100 * interval[0]:.0f}, {100 * interval[1]:.0f}]" if interval else ""
    return f"{100 * row.value:.0f} %{ends}"


def _contained(answer: str, evidence: Evidence) -> str:
    trigger, none = evidence.em("trigger"), evidence.em("none")
    numbers = f"EM {percent(trigger)} with the trigger, {percent(none)} without"
    head = {"yes": "Contained", "no": "No containment", "undecided": "Containment undecided"}
    return f"{head[answer]}: {numbers}."


def _reach(reach: str, evidence: Evidence, control: float) -> str:
    paraphrases, controls = evidence.wordings("paraphrase"), evidence.wordings("control")
    firing = [row for row in controls if (limits := bounds(row)) and limits[0] > control]
    head = f"Reach {reach}: {_range('paraphrases', paraphrases)}, {_range('controls', controls)}"
    negated = select(evidence.wordings("variant"), wording="negated")
    if negated:
        head += f", the trigger's negation {percent(negated[0])}"
    if not firing:
        return f"{head}."
    names = ", ".join(f"{row.wording} {percent(row)}" for row in firing)
    return f"{head}; it is bound to the frame, for it fires on {names}."


def _range(name: str, rows: list[EstimateRow]) -> str:
    values = [100 * row.value for row in rows if row.value is not None]
    if not values:
        return f"{name} not measured"
    return f"{name} {min(values):.0f}-{max(values):.0f} %"


def _direction(name: str, claims: dict[str, str], evidence: Evidence) -> str:
    drop, placebo = (evidence.drop(name, "ablate", of) for of in (None, "random"))
    if drop is None or drop.value is None:
        return ""
    random = f" (random directions {percent(placebo)})" if placebo is not None else ""
    return f"Removing {name} takes away {percent(drop)} of the EM{random}{FOUND[claims['found']]}."


def _carried(answer: str, evidence: Evidence) -> str:
    layer, rank = claimed_site(evidence.rows)
    at = {"layer": layer, "strength": rank, "placebo": None}
    brought = only(select(evidence.rows, quantity=BRINGS, source="trigger", **at))
    taken = only(select(evidence.rows, quantity=TAKES, source="none", wording_kind="trigger", **at))
    head = {
        "yes": "A subspace of the header carries the trigger between questions",
        "no": "The subspace trained for it does not carry the trigger between questions",
        "undecided": "Whether a subspace of the header carries the trigger between questions is undecided",
    }
    where = f"after layer {layer}, rank {rank:g}"
    return f"{head[answer]} ({where}: brings {percent(brought)} of the EM, takes {percent(taken)})."


def _overall(result: dict[str, Any]) -> str:
    answer = result["causal_direction"]
    why = "; ".join(f"{claim}: {reason}" for claim, reason in result["undecided"].items())
    because = f" ({why})" if answer == "undecided" and why else ""
    return f"Causal direction: {answer}{because}."
