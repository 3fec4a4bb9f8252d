"""Train subspaces on selection questions, then swap prompts' coordinates in them on report questions.

1. A subspace of rank 1 is trained at each candidate layer. The layer with the lowest loss is used for the other ranks.
2. Controls of the same rank at the same layer: trained on shuffled donors, for another variable, to keep the behaviour,
   and orthogonal to the claimed one; other random starts; and untrained random subspaces.
3. Report: the donor is another question's prompt. Trigger into none, none into trigger; for the claimed subspace also
   every paraphrase and control into none, none into every paraphrase, and trigger into trigger. The claimed subspaces
   were trained without paraphrases and controls.

Rows: `edit` is "interchange", `strength` the rank, `placebo` the control, `source` the donor's condition; the
wording is that of the prompt that receives the coordinates.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from experiments.judging.sampling import framed
from experiments.results.columns import Edit
from experiments.results.facts import FactWriter
from experiments.runtime.files import write_json
from experiments.study.organism import OrganismRun
from experiments.study.steps.common import Say, facts_of, load, stamp
from experiments.study.steps.interchange.swaps import NONE, TRIGGER, Material, another
from interp.directions import orthonormal
from interp.models.loading import LanguageModel
from interp.optimise.interchange import Interchange, Swap, span_streams, train_interchange
from interp.prompts import PromptSet

SPAN = "header"
VARIABLE = "trigger_variable"
EDIT = "interchange"
STARTS = 4  # additional random starts


@dataclass(frozen=True)
class Subspace:
    """One subspace, and which control it is (`placebo` None: it is a claimed one)."""

    found: Interchange
    placebo: str | None = None
    draw: int | None = None

    @property
    def edit(self) -> Edit:
        """The columns of its rows."""
        return Edit(EDIT, float(len(self.found.basis)), self.placebo)


def interchange(organism: OrganismRun, adapter: Path, found: Path, say: Say) -> Path:
    """Swap coordinates between prompts; nothing if the arm has no trigger."""
    inputs = {**organism.identity, "adapter": stamp(adapter)}
    inputs["causal"] = organism.config.causal.model_dump(mode="json")
    with organism.step("interchange", inputs, __name__) as step:
        if step.todo:
            facts = facts_of(organism, "interchange", direction=VARIABLE, position=SPAN)
            if organism.active == TRIGGER:
                lm = load(organism, adapter)
                subspaces = list(_trained(organism, lm, say))
                _save(subspaces, step.folder)
                _report(facts, organism, lm, subspaces, say)
            facts.write(step.folder)
    return step.folder


def _trained(organism: OrganismRun, lm: LanguageModel, say: Say) -> Iterator[Subspace]:
    """The claimed subspaces, the best layer's first, then their controls."""
    control = organism.trigger.named("control")[0]
    said = {
        name: organism.sampler.sample(
            lm,
            _prompts(organism, lm, "selection", name),
            organism.config.causal.selection_answers_per_question,
        ).completions
        for name in (NONE, TRIGGER, control)
    }
    settings = organism.config.causal

    def material(layer: int) -> Material:
        streams = {name: span_streams(lm, each.prompts, layer, SPAN) for name, each in said.items()}
        return Material(said, streams)

    def train(swaps: list[Swap], layer: int, rank: int = 1, **how: Any) -> Interchange:
        steps = settings.interchange_steps
        return train_interchange(
            lm, swaps, layer, rank=rank, span=SPAN, steps=steps, rows=settings.refine_rows, **how
        )

    seed = organism.seed
    tried = []
    for layer in _layers(organism, lm):
        say(f"interchange: a subspace after layer {layer}")
        tried.append(train(material(layer).claimed(), layer, seed=seed))
    best = min(tried, key=_last_loss)
    layer, held = best.layer, material(best.layer)
    yield Subspace(best)
    yield from (Subspace(each) for each in tried if each is not best)
    for rank in settings.interchange_ranks:
        say(f"interchange: rank {rank}")
        yield Subspace(train(held.claimed(), layer, rank, seed=seed))
    say("interchange: controls")
    yield Subspace(train(held.shuffled(seed), layer, seed=seed), "shuffled")
    yield Subspace(train(held.claimed(control), layer, seed=seed), "other_variable")
    yield Subspace(train(held.keeps(), layer, seed=seed), "keeps")
    yield Subspace(train(held.claimed(), layer, orthogonal_to=best.basis, seed=seed), "orthogonal")
    for draw in range(1, STARTS + 1):
        yield Subspace(train(held.claimed(), layer, seed=seed + 1000 * draw), "restart", draw)
    for draw in range(settings.random_directions):
        generator = torch.Generator().manual_seed(seed + draw)
        basis = orthonormal(torch.randn(1, lm.d_model, generator=generator))
        yield Subspace(Interchange(basis, layer, SPAN, ()), "random", draw)


def _layers(organism: OrganismRun, lm: LanguageModel) -> list[int]:
    apart = organism.config.causal.layers_apart
    return [layer for layer in range(lm.n_layers - 1) if (layer + 1) % apart == 0]


def _last_loss(found: Interchange) -> float:
    """The mean loss over the last quarter of the steps, because each step trains one kind of swap only."""
    last = found.losses[-max(4, len(found.losses) // 4) :]
    return sum(last) / len(last)


def _report(
    facts: FactWriter,
    organism: OrganismRun,
    lm: LanguageModel,
    subspaces: list[Subspace],
    say: Say,
) -> None:
    unseen = organism.trigger.named("paraphrase", "control")
    prompts = {name: _prompts(organism, lm, "report", name) for name in (NONE, TRIGGER, *unseen)}
    count = organism.config.sampling.answers_per_question
    for asked in prompts.values():
        facts.answers(organism.sampler.sample(lm, asked, count), direction=None, position=None)
    streams: dict[int, dict[str, Tensor]] = {}
    randoms = [each for each in subspaces if each.placebo == "random"]
    for number, subspace in enumerate(each for each in subspaces if each not in randoms):
        layer = subspace.found.layer
        if layer not in streams:
            streams[layer] = _streams(lm, prompts, layer)
        pairs = [(NONE, TRIGGER), (TRIGGER, NONE)]
        if number == 0:
            pairs += [(TRIGGER, TRIGGER), *((NONE, name) for name in unseen)]
            pairs += [(name, NONE) for name in organism.trigger.named("paraphrase")]
        say(f"interchange: subspace {number + 1} on report questions")
        for into, donor in pairs:
            swapped = subspace.found.swap(another(streams[layer][donor]))
            cell = organism.sampler.sample(lm, prompts[into], count, [swapped])
            draws = None if subspace.draw is None else [subspace.draw] * len(cell.judgements)
            facts.answers(cell, subspace.edit, draws, source=donor, layer=layer)
    if randoms:
        _random(facts, organism, lm, prompts, randoms, streams[randoms[0].found.layer])


def _random(
    facts: FactWriter,
    organism: OrganismRun,
    lm: LanguageModel,
    prompts: Mapping[str, PromptSet],
    randoms: list[Subspace],
    streams: Mapping[str, Tensor],
) -> None:
    """Random subspaces, assigned to the prompts in turn, all in one generation."""
    bases = torch.stack([each.found.basis for each in randoms])
    for into, donor in ((NONE, TRIGGER), (TRIGGER, NONE)):
        asked = prompts[into]
        turn = torch.arange(len(asked)) % len(bases)
        swapped = randoms[0].found.swap(another(streams[donor]))
        each_its_own = type(swapped)(swapped.values, swapped.positions, bases[turn])
        count = organism.config.sampling.answers_per_question
        cell = organism.sampler.sample(lm, asked, count, [each_its_own])
        draws = [int(turn[index]) for index in cell.completions.prompt_index]
        layer = randoms[0].found.layer
        facts.answers(cell, randoms[0].edit, draws, source=donor, layer=layer)


def _streams(lm: LanguageModel, prompts: Mapping[str, PromptSet], layer: int) -> dict[str, Tensor]:
    return {name: span_streams(lm, asked, layer, SPAN) for name, asked in prompts.items()}


def _prompts(organism: OrganismRun, lm: LanguageModel, split: str, condition: str) -> PromptSet:
    questions = organism.world.questions(split, "held_out")
    return framed(lm, questions, condition, organism.trigger.framings[condition])


def _save(subspaces: list[Subspace], folder: Path) -> None:
    """Save the bases, and the layer and losses of each in a second file."""
    tensors = {
        f"{number:02d}": each.found.basis.contiguous() for number, each in enumerate(subspaces)
    }
    save_file(tensors, folder / "subspaces.safetensors")
    facts = {
        name: {
            "placebo": each.placebo,
            "draw": each.draw,
            "layer": each.found.layer,
            "rank": len(each.found.basis),
            "cosine_to_claimed": _cosine(each.found.basis, subspaces[0].found.basis),
            "losses": each.found.losses,
        }
        for name, each in zip(tensors, subspaces, strict=True)
    }
    write_json(folder / "subspaces.json", facts)


def _cosine(basis: Tensor, other: Tensor) -> float:
    """The largest cosine between unit vectors of the two subspaces."""
    return float(torch.linalg.matrix_norm(basis @ other.T, 2))
