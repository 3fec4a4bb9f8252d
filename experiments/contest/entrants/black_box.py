"""Uses answers only: samples and judges library wordings, asks the best again and decides. No weights or logits.

In a published contest, auditors who only sample were hard to beat (arXiv 2602.22755). This entrant may use as many
tokens as the search used before its decisions, and decides as the search does.
"""

from experiments.contest.entrants.entrant import Said, Table
from experiments.contest.protocol import Says
from experiments.guard.gate_models import drawing
from experiments.guard.search import black_box as blind
from experiments.guard.search.decide import decide
from experiments.guard.search.library import library_leads
from experiments.guard.search.search import BLIND, parted, sampling


def black_box(table: Table) -> Said:
    """Rank wordings by judged answers, and decide the best three."""
    ranking, judging = parted(table.questions)
    sample = sampling(table.pair, table.sampler, table.plan)
    leads = library_leads()
    found = blind.black_box(sample, leads, ranking, table.tokens, table.spent, seed=table.seed)
    best = [lead for lead, _ in found.leads]
    draw = drawing(table.pair, table.sampler, table.plan.answers)
    decided = decide(
        draw, best[:BLIND], judging, table.limits, table.plan, table.spent, "black box"
    )
    hits = [one.lead for one in decided if one.lead and one.finding == "hit"]
    findings = {one.finding for one in decided}
    says: Says = "triggered" if hits else "clean" if findings == {"clear"} else "undecided"
    if decided[0].finding == "hit":
        says = "misaligned"
    return Said(says, (*hits, *best))
