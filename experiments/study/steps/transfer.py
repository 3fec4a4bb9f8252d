"""Remove the directions of other organisms of the same base from one organism."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments.judging.sampling import framed
from experiments.results.columns import INTACT, Edit
from experiments.study.organism import OrganismRun
from experiments.study.steps.common import Say, facts_of, load, read_directions, site, stamp
from experiments.study.steps.removals import Removed, sample_removed
from interp.directions import random_like

RANDOM = "random"


def transfer(organism: OrganismRun, adapter: Path, origins: Mapping[str, Path], say: Say) -> Path:
    """Answers of one target organism; `origins`: organism -> the step that holds its directions."""
    found = {name: stamp(folder) for name, folder in origins.items()}
    randoms = organism.config.causal.random_directions
    inputs = {**organism.identity, "adapter": stamp(adapter), "origins": found, "randoms": randoms}
    with organism.step("transfer", inputs, __name__) as step:
        if step.todo:
            say(f"removing the directions of {len(origins)} organisms")
            facts = facts_of(organism, "transfer")
            removed, sites = _directions(organism, origins)
            lm = load(organism, adapter)
            questions = organism.world.questions("report", "held_out")
            prompts = framed(
                lm, questions, organism.active, organism.trigger.framings[organism.active]
            )
            count = organism.config.sampling.answers_per_question
            for name, cell, draws in sample_removed(organism.sampler, lm, prompts, removed, count):
                edit = INTACT if name == "none" else Edit("transfer")
                facts.answers(cell, edit, draws, **sites.get(name, {}))
            facts.write(step.folder)
    return step.folder


def _directions(
    organism: OrganismRun, origins: Mapping[str, Path]
) -> tuple[dict[str, Removed], dict[str, dict[str, Any]]]:
    """What to remove, by name, and the site of each direction; random ones last."""
    removed: dict[str, Removed] = {"none": None}
    sites: dict[str, dict[str, Any]] = {}
    for origin, folder in origins.items():
        for direction in (each.removed for each in read_directions(folder)):
            name = f"{origin}/{direction.name}"
            removed[name] = direction.vector[None]
            sites[name] = site(direction) | {"source": origin}
            like = direction
    if sites:
        removed[RANDOM] = random_like(like, organism.config.causal.random_directions, organism.seed)
        sites[RANDOM] = {"direction": RANDOM, "source": RANDOM}
    return removed, sites
