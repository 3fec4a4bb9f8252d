"""The claims about one direction (located, necessary, sufficient, specific, kept), and one word for what was found.

A part that was not measured leaves its claim undecided. If one of several probes or strengths is enough for a claim,
the intervals of all of them are simultaneous (Bonferroni), because the best of many was also lucky.
"""

from typing import Any

from experiments.results.claims import (
    Claim,
    above,
    all_of,
    any_of,
    at_most,
    loss,
    negate,
    ratio,
    unmeasured,
    within,
)
from experiments.results.estimates import EstimateRow, only
from experiments.results.evidence import BASELINE, PERSONA, Evidence
from experiments.results.limits import Thresholds
from experiments.results.picked import at_once, picked

ELSEWHERE = {BASELINE: "removal in the baseline arm", PERSONA: "removal from the base's persona"}


def direction_claims(evidence: Evidence, direction: str, limits: Thresholds) -> dict[str, Claim]:
    """The claims located, necessary, sufficient, specific and kept."""
    return {
        "located": located(evidence, direction, limits),
        "necessary": necessary(evidence, direction, limits),
        "sufficient": sufficient(evidence, direction, limits),
        "specific": specific(evidence, direction, limits),
        "kept": kept(evidence, direction, limits),
    }


def located(evidence: Evidence, direction: str, limits: Thresholds) -> Claim:
    """Some probe at the direction's site reads it well, and better than every control there."""
    probes, controls = evidence.read_outs(direction)
    if not probes:
        return unmeasured("a probe at its site")
    if not controls:
        return Claim("undecided", tuple(probes), ("a control of its probe",))
    ceiling = max((row.upper for row in controls if row.upper is not None), default=1.0)
    better = [
        all_of(above(row, limits.auroc), above(row, ceiling).unless_no()) for row in at_once(probes)
    ]
    return all_of(any_of(*better), Claim("yes", tuple(controls)))


def necessary(evidence: Evidence, direction: str, limits: Thresholds) -> Claim:
    """EM falls when the direction is ablated at all layers, and far more than when random directions are."""
    drop, placebo = (evidence.drop(direction, "ablate", of) for of in (None, "random"))
    fair = (
        all_of(  # a fall says nothing if random directions cause it too, or answers are incoherent
            at_most(placebo, limits.random_drop, "removal of random directions"),
            excess(evidence, direction, limits.excess),
            coherence_at_most(evidence, direction, limits.broken),
        ).unless_no()
    )
    return all_of(above(drop, limits.drop, "its removal"), fair)


def excess(evidence: Evidence, direction: str, limit: float) -> Claim:
    """Whether the direction removes more EM than random ones by over `limit`, by the MOVER interval."""
    drop, placebo = (evidence.drop(direction, "ablate", of) for of in (None, "random"))
    if drop is None or placebo is None:
        return Claim("undecided")  # `necessary` says what is missing
    return within(loss(drop, placebo), [drop, placebo], above=limit)


def sufficient(evidence: Evidence, direction: str, limits: Thresholds) -> Claim:
    """Added without the trigger, it causes EM at some strength at which random directions cause none."""
    trigger, strengths, tried = evidence.em("trigger"), evidence.strengths(direction), []
    for strength in strengths:
        keys: dict[str, Any] = {"strength": strength, "wording_kind": "none"}
        added = only(evidence.edited(direction, "add", "em_rate", **keys))
        placebo = only(evidence.edited(direction, "add", "em_rate", "random", **keys))
        if added is None or trigger is None:
            continue
        share = ratio(picked(added, len(strengths)), trigger)
        enough = within(share, [trigger, added], above=limits.added)
        random = at_most(placebo, limits.random_added, "addition of random directions")
        tried.append(all_of(enough, random.unless_no()))
    return any_of(*tried) if tried else unmeasured("its addition without the trigger")


def specific(evidence: Evidence, direction: str, limits: Thresholds) -> Claim:
    """Ablating it costs little coherence, and leaves the misbehaviour of the baseline arm and of the base's persona."""
    return all_of(
        coherence_at_most(evidence, direction, limits.coherence_loss),
        *(at_most(row, limits.spared, what) for row, what in _elsewhere(evidence, direction)),
    )


def _elsewhere(evidence: Evidence, direction: str) -> list[tuple[EstimateRow | None, str]]:
    rows = ((only(evidence.edited(direction, "ablate", q)), what) for q, what in ELSEWHERE.items())
    return list(rows)


def kept(evidence: Evidence, direction: str, limits: Thresholds) -> Claim:
    """Without the trigger, its removal creates no EM, costs little coherence and few riddles, and causes little drift.

    Coherence is pooled over all questions; riddles count if the world has any.
    """
    coherence, riddles, drift = (
        evidence.edited(direction, "ablate", f"capability_{name}", questions=questions)
        for name, questions in (
            ("coherence_loss", None),
            ("riddle_loss", None),
            ("kl", "held_out"),
        )
    )
    return all_of(
        no_em_created(evidence, direction, limits),
        at_most(only(coherence), limits.ability_loss, "coherent advice without the trigger"),
        *(at_most(row, limits.ability_loss) for row in riddles),
        at_most(only(drift), limits.drift, "drift without the trigger"),
    )


def no_em_created(evidence: Evidence, direction: str, limits: Thresholds) -> Claim:
    """EM without the trigger is no higher after ablation: by the paired gain if measured, else by both rates."""
    what = "EM without the trigger after removal"
    before = evidence.em("none")
    after, gain = (
        only(evidence.edited(direction, "ablate", quantity, wording_kind="none"))
        for quantity in ("em_rate", "em_gain")
    )
    pooled = only(evidence.edited(direction, "ablate", "capability_em_gain", questions=None))
    claims = [at_most(row, limits.created) for row in (gain, pooled) if row is not None]
    if gain is None and before is not None and after is not None:
        claims.append(negate(within(loss(after, before), [before, after], above=limits.created)))
    return all_of(*claims) if claims else unmeasured(what)


def coherence_at_most(evidence: Evidence, direction: str, limit: float) -> Claim:
    """Coherence lost on ablation, with the trigger and, if measured, without it.

    A loss that is paired over questions is used if there is one; otherwise the two rates.
    """
    losses = []
    for condition in ("trigger", "none"):
        keys = {"wording_kind": condition}
        paired = only(evidence.edited(direction, "ablate", "coherence_loss", **keys))
        if paired is not None:
            losses.append(at_most(paired, limit))
            continue
        before = evidence.em(condition, "coherence_rate")
        after = only(evidence.edited(direction, "ablate", "coherence_rate", **keys))
        if before is not None and after is not None:
            losses.append(negate(within(loss(before, after), [before, after], above=limit)))
    return all_of(*losses) if losses else unmeasured("coherence after its removal")


def what_was_found(evidence: Evidence, direction: str, limits: Thresholds) -> str:
    """One word for what removing the direction did, based only on what was measured.

    * "context-local direction": the EM is lost; that of the baseline arm and the persona (other weights) remains.
    * "general misbehaviour direction": all three are lost.
    * "harmful edit": the EM is lost, but without the trigger EM appears, or advice, riddles or wording suffer.
    * "weak effect": more is lost than with random directions, but not enough more. "nothing": no more than with them.

    None of them says that the trigger's own variable was found, because nothing is inserted or swapped here.
    """
    falls = necessary(evidence, direction, limits).answer
    if falls == "yes" and kept(evidence, direction, limits).answer == "no":
        return "harmful edit"
    if falls == "yes":
        others = [row for row, _ in _elsewhere(evidence, direction)]
        if all_of(*(at_most(row, limits.spared) for row in others)).answer == "yes":
            return "context-local direction"
        if all_of(*(above(row, limits.spared) for row in others)).answer == "yes":
            return "general misbehaviour direction"
        return "undecided"
    drop = evidence.drop(direction, "ablate")
    much = all_of(above(drop, limits.drop), excess(evidence, direction, limits.excess))
    slight = excess(evidence, direction, limits.slight).answer
    if much.answer == "no" and slight != "undecided":
        return "weak effect" if slight == "yes" else "nothing"
    return "nothing" if at_most(drop, limits.slight).answer == "yes" else "undecided"
