"""How a checkpoint answers under every wording, and what removing and adding its own directions does.

1. Directions are fitted by difference of means on selection questions: `switch` at the last prompt token,
   `misalignment` on the checkpoint's own answers, if there are enough of both kinds.
2. Selection questions choose the vector to remove, the vector to add and its strength (`interventions.choose`).
3. Report questions are asked with the trigger while the chosen direction is removed, and without the trigger while it
   is added. Random directions of the same norm are controls for both.
"""

from collections.abc import Iterator

from experiments.judging.sampling import Cell
from experiments.results.columns import Edit
from experiments.results.facts import FactWriter
from experiments.study.organism import OrganismRun
from experiments.study.steps import interventions as causal
from experiments.study.steps.common import held_out_prompts, site
from experiments.study.steps.locate import candidates as fitting
from interp.directions import Direction
from interp.prompts import PromptSet

PROBE = "difference of means"


def write_causes(
    facts: FactWriter, organism: OrganismRun, context: causal.InterventionContext, number: int
) -> None:
    """Write the answers under every wording, then those under the edits of each direction."""
    lm, sampling = context.lm, context.sampling
    report, selection = (held_out_prompts(organism, lm, s) for s in ("report", "selection"))
    for name in dict.fromkeys(report.conditions):
        many = name in ("none", "trigger")
        times = sampling.answers_per_question_main if many else sampling.answers_per_question
        asked = report.where(condition=name)
        facts.answers(context.sampler.sample(lm, asked, times), step=number)
    behind, without = (selection.where(condition=name) for name in ("trigger", "none"))
    for candidates in _fitted(organism, context, selection):
        choice = causal.choose(context, candidates, behind, without)
        removal = {Edit("ablate"): causal.removals(choice.removed)[Edit("ablate")]}
        addition = causal.additions(choice.added, [choice.strength])
        for direction, wording, edits in (
            (choice.removed, "trigger", removal),
            (choice.added, "none", addition),
        ):
            asked = report.where(condition=wording)
            for edit, intervention in edits.items():
                times = sampling.answers_per_question_main
                cell = context.sampler.sample(lm, asked, times, [intervention])
                _write(facts, cell, edit, direction, number)
                random, draws = causal.random_cell(context, edit, direction, asked, times)
                _write(facts, random, edit.with_placebo("random"), direction, number, draws)


def _fitted(
    organism: OrganismRun, context: causal.InterventionContext, selection: PromptSet
) -> Iterator[list[Direction]]:
    """The candidates of each direction; a direction without enough rows has none."""
    lm, apart = context.lm, context.causal.layers_apart
    said = context.sampler.sample(lm, selection, context.causal.selection_answers_per_question)
    answers = fitting.answer_rows(lm, said.completions, said.judgements, organism.world.opening)
    for name, rows in {
        "switch": [fitting.prompt_rows(lm, selection)],
        "misalignment": answers,
    }.items():
        every = [direction for each in rows for direction in fitting.candidates(each, name)]
        kept = [d for d in every if d.source == PROBE and (d.layer + 1) % apart == 0]
        if kept:
            yield kept


def _write(
    facts: FactWriter,
    cell: Cell,
    edit: Edit,
    direction: Direction,
    number: int,
    draws: list[int] | None = None,
) -> None:
    facts.answers(cell, edit, draws, step=number, **site(direction))
