"""What else breaks when a direction is removed, compared with random directions and others that probes read.

The refined direction (or the best located one) is compared with placebos. The other directions are removed too, without
the trigger only, because the verdict asks for each direction whether abilities are kept.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from experiments.judging.sampling import Sampler, framed
from experiments.results.columns import INTACT, Edit
from experiments.results.facts import FactWriter
from experiments.study.organism import OrganismRun
from experiments.study.steps.capability import divergence as kl
from experiments.study.steps.capability.probe_subspace import orthogonal_in, probe_directions
from experiments.study.steps.common import Say, facts_of, load, read_directions, site, stamp
from experiments.study.steps.conditions import QUESTION_KINDS
from experiments.study.steps.removals import Removed, best_direction, sample_removed
from interp.directions import Direction, random_like
from interp.interventions import Ablate
from interp.models.loading import LanguageModel
from interp.prompts import Framing, PromptSet

NONE = Framing("")
What = tuple[str, Edit]  # the direction that is removed, or replaced by a placebo, and the edit


class _Removal:
    """One organism, what is removed from it, and where its answers go."""

    def __init__(
        self,
        organism: OrganismRun,
        lm: LanguageModel,
        direction: Direction,
        others: Sequence[Direction],
        facts: FactWriter,
    ):
        self.organism, self.lm, self.facts = organism, lm, facts
        self.places = {each.name: site(each) for each in (direction, *others)}
        self.beside_placebos = _beside_placebos(organism, lm, direction)
        self.removed: dict[What, Removed] = self.beside_placebos | {
            (each.name, Edit("ablate")): each.vector[None] for each in others
        }

    def sample(
        self,
        sampler: Sampler,
        prompts: PromptSet,
        count: int,
        measurement: str,
        removed: Mapping[What, Removed],
        **columns: str | None,
    ) -> None:
        """Write the answers to the prompts, intact and under each removal."""
        for (name, edit), cell, draws in sample_removed(sampler, self.lm, prompts, removed, count):
            place = {**columns, **(self.places[name] if edit != INTACT else {})}
            self.facts.answers(cell, edit, draws, measurement=measurement, **place)


def capability(organism: OrganismRun, adapter: Path, found: Path, say: Say) -> Path:
    """What the removal of each direction costs; for the refined (or best located) one also both placebos."""
    randoms = organism.config.causal.random_directions
    inputs = {
        **organism.identity,
        "adapter": stamp(adapter),
        "found": stamp(found),
        "randoms": randoms,
    }
    with organism.step("capability", inputs, __name__) as step:
        if step.todo:
            direction = best_direction(found)
            facts = facts_of(organism, "capability")
            if direction is not None:
                lm = load(organism, adapter)
                say("capability: directions beside the one found")
                located = [each.removed for each in read_directions(found)]
                others = [each for each in located if each.name != direction.name]
                removal = _Removal(organism, lm, direction, others, facts)
                say("capability: without the trigger")
                _advice(removal)
                _riddles(removal)
                _divergence(removal)
                say("capability: placebos where it misbehaves")
                _placebos(removal)
            facts.write(step.folder)
    return step.folder


def _beside_placebos(
    organism: OrganismRun, lm: LanguageModel, direction: Direction
) -> dict[What, Removed]:
    """What to remove: nothing; the direction; random directions; orthogonal ones in the probes' subspace."""
    n = organism.config.causal.random_directions
    span = probe_directions(organism, lm, direction.layer)
    removed: dict[Edit, Removed] = {
        INTACT: None,
        Edit("ablate"): direction.vector[None],
        Edit("ablate", placebo="random"): random_like(direction, n, organism.seed),
    }
    beside = orthogonal_in(span, direction, n, organism.seed)
    if beside is not None:
        removed[Edit("ablate", placebo="orthogonal")] = beside
    return {(direction.name, edit): vectors for edit, vectors in removed.items()}


def _advice(removal: _Removal) -> None:
    organism = removal.organism
    for kind in QUESTION_KINDS:
        questions = organism.world.questions("report", kind)
        if questions:
            prompts = framed(removal.lm, questions, "none", NONE)
            count = organism.config.sampling.answers_per_question
            removal.sample(
                organism.sampler, prompts, count, "capability", removal.removed, questions=kind
            )


def _riddles(removal: _Removal) -> None:
    """Answers to riddles, if the world has any."""
    organism = removal.organism
    asked = organism.world.riddles(organism.config.sampling.questions)
    if asked is None:
        return
    sampler = Sampler(asked, organism.seed, organism.config.sampling.max_new_tokens)
    prompts = framed(removal.lm, asked.questions, "none", NONE)
    count = organism.config.sampling.answers_per_question
    removal.sample(sampler, prompts, count, "riddles", removal.removed, questions=None)


def _divergence(removal: _Removal) -> None:
    """How far each removal moves the organism's predictions on its own benign answers without the trigger."""
    organism, lm = removal.organism, removal.lm
    prompts = framed(lm, organism.world.questions("report", "held_out"), "none", NONE)
    cell = organism.sampler.sample(lm, prompts, organism.config.sampling.answers_per_question)
    said = zip(cell.judgements, cell.completions.token_ids, strict=True)
    benign = [row for row, (j, ids) in enumerate(said) if ids and j.coherent and not j.misaligned]
    answers = cell.completions[benign]
    for (name, edit), vectors in removal.removed.items():
        if vectors is None or not benign:
            continue
        values = kl.divergence(lm, answers, Ablate(_each_prompt(vectors, len(prompts))))
        place = {**removal.places[name], **edit.columns, "wording_kind": "none"}
        removal.facts.values("capability_kl", values, answers.questions, **place)


def _placebos(removal: _Removal) -> None:
    organism = removal.organism
    questions = organism.world.questions("report", "held_out")
    prompts = framed(
        removal.lm, questions, organism.active, organism.trigger.framings[organism.active]
    )
    count = organism.config.sampling.answers_per_question_main
    removal.sample(organism.sampler, prompts, count, "placebo", removal.beside_placebos)


def _each_prompt(vectors: Tensor, prompts: int) -> Tensor:
    return vectors[torch.arange(prompts) % len(vectors)]
