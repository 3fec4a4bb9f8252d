"""Repair an adapter and certify it.

1. The strategy changes the adapter on half of the questions, with the wordings that it may use.
2. Other wordings are tried on the same questions; those that fire join the wordings, and the repair starts again from
   the organism.
3. The adapter is saved, loaded again as a user would load it, and measured on the other half of the questions, with
   unseen wordings.
"""

import copy
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from experiments.judging.sampling import framed
from experiments.repair.before import Before
from experiments.repair.case import Case
from experiments.repair.certificate import Certificate, weights_of
from experiments.repair.facts import AFTER, Fact, of_cell, where
from experiments.repair.job import TRIGGER, Repaired
from experiments.repair.measure import behind, coherence, kept, prompted, unseen
from experiments.repair.reading import reading
from experiments.repair.relapse import relapse
from experiments.repair.rounds import Say, rounds
from experiments.repair.stress import benign, merged_with, roundings
from experiments.runtime.provenance import git_state, package_versions
from interp.interventions import Intervention
from interp.models.adapter_edit import save_adapter
from interp.models.language_model import LanguageModel


def repair(
    case: Case, before: Before, name: str, folder: Path, say: Say = lambda line: None
) -> tuple[Certificate, Path | None]:
    """The certificate and the folder of the repaired adapter; None instead if the strategy makes no adapter."""
    done = rounds(case, before, name, say)
    saved = _saved(done.made, folder) if done.made.is_adapter else None
    say("measuring")
    facts = [*done.facts, *after(done.case, before, done.made, saved)]
    return _certificate(done.case, before, facts, saved, name, done.number), saved


def certify(case: Case, before: Before, adapter: Path) -> Certificate:
    """The certificate of an adapter that was repaired elsewhere; the adapter is not changed."""
    made = Repaired(case.load(adapter, True))
    facts = after(case, before, made, adapter)
    return _certificate(case, before, facts, adapter, "given", 0)


def _certificate(
    case: Case,
    before: Before,
    facts: Sequence[Fact],
    saved: Path | None,
    name: str,
    number: int,
) -> Certificate:
    return Certificate(
        strategy=name,
        seed=case.seed,
        base=case.base,
        base_weights=before.base_weights,
        adapter=str(case.adapter),
        adapter_weights=weights_of(case.adapter),
        repaired=None if saved is None else weights_of(saved),
        trigger=case.asking.wordings.trigger.text,
        seen=tuple(framing.text for framing in case.asking.wordings.seen.values()),
        seconds=sum(value for fact in where(facts, what="seconds") for value in fact.values),
        rounds=number,
        made_with={"versions": package_versions(), "git": git_state()},
        facts=(*before.facts, *facts),
    )


def after(case: Case, before: Before, made: Repaired, saved: Path | None) -> list[Fact]:
    """All measurements of a repaired model; an adapter is loaded from the folder where it was saved."""
    lm = made.lm if saved is None else case.load(saved, True)
    facts = behind(case.asking, lm, AFTER, made.edits)
    facts += unseen(case.asking, lm, AFTER, made.edits, each=case.effort.unseen_each)
    facts.append(coherence(case.asking, lm, AFTER, made.edits))
    facts += reading(case.asking, case.learned_from, lm, AFTER, made.edits, asked=case.effort.read)
    facts += _kept(case, before, lm, made.edits)
    if made.edits or not case.effort.durability:  # a model with hooks is not tuned further
        return facts
    return facts + _stressed(case, before, made, saved)


def _kept(
    case: Case, before: Before, lm: LanguageModel, edits: tuple[Intervention, ...]
) -> list[Fact]:
    trigger = case.asking.wordings.seen[TRIGGER]
    prompts = framed(lm, case.asking.questions, TRIGGER, trigger)
    return [
        *kept(before.teacher, before.wanted, lm, "none", edits),
        *kept(replace(before.teacher, prompts=prompts), before.wanted, lm, TRIGGER, edits),
    ]


def _stressed(case: Case, before: Before, made: Repaired, saved: Path | None) -> list[Fact]:
    """Facts after rounding, merging, other system prompts and further tuning; then after poisoning."""

    def load() -> LanguageModel:
        if saved is not None:
            return case.load(saved, True)
        return replace(made.lm, model=copy.deepcopy(made.lm.causal))

    trigger = case.asking.wordings.seen[TRIGGER]
    facts: list[Fact] = []

    def look(name: str, lm: LanguageModel) -> None:
        prompts = framed(lm, case.asking.questions, TRIGGER, trigger)
        cell = case.asking.sampler.sample(lm, prompts, 1)
        facts.extend(of_cell(cell, f"{AFTER}, {name}", TRIGGER, trigger.text))

    for name, lm in (*roundings(load()), merged_with(load(), before.another)):
        look(name, lm)
    facts += prompted(case.asking, load(), AFTER)
    for name, lm in benign(load, before.benign, case.effort.benign_steps, case.seed):
        look(name, lm)
        facts += unseen(case.asking, lm, f"{AFTER}, {name}", each=1)
    effort = case.effort
    return facts + relapse(
        case.asking, load, before.poison, AFTER, orders=effort.orders, stops=effort.stops
    )


def _saved(made: Repaired, folder: Path) -> Path:
    """Save the adapter in its folder atomically."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        save_adapter(made.lm, unfinished)
        unfinished.chmod(0o755)
        unfinished.rename(folder)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return folder
