"""What a study would do and cost, before anything is spent: answers, judge calls, memory, time, disk, cached steps.

Counts follow the steps one by one and are upper bounds: every answer at full length, every direction fitted. A step
counts as cached exactly when the run would find it finished.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from experiments.runtime.store import Run, Step
from experiments.study.answer_counts import (
    FURTHER_ANSWERS,
    birth_answers,
    compare_answers,
    features_answers,
    intervene_answers,
    locate_answers,
    sample_answers,
)
from experiments.study.config import StudyConfig
from experiments.study.organism import OrganismRun, organisms_of
from experiments.study.pipeline import FURTHER
from experiments.study.steps.birth.step import birth, trajectory
from experiments.study.steps.compare import compare
from experiments.study.steps.figure_data.step import figure_data
from experiments.study.steps.finetune import finetune
from experiments.study.steps.intervene import intervene
from experiments.study.steps.locate.step import locate
from experiments.study.steps.sample import sample
from experiments.study.steps.sparse.step import features


class NotMade(Exception):
    """A step that the run would have to make."""


class Shelf(Run):
    """A run folder that is only read; nothing is made in it."""

    def step(self, name: str, inputs: Mapping[str, Any], modules: Any = ()) -> Any:
        folder = self.finished(name, inputs, modules)
        if folder is None:
            raise NotMade(name)
        return _Found(Step(name, "", folder, todo=False, inputs=inputs))


@dataclass(frozen=True)
class _Found:
    step: Step

    def __enter__(self) -> Step:
        return self.step

    def __exit__(self, *_: object) -> None:
        return None


@dataclass(frozen=True, eq=False)
class LookedAt(OrganismRun):
    """An organism whose steps are looked up and never made."""

    @cached_property
    def run(self) -> Run:
        return Shelf(self.folder)


@dataclass
class OrganismPlan:
    """One organism or base: for each step, the answers to sample (0 if cached) and whether it is cached."""

    organism: OrganismRun
    answers: dict[str, int] = field(default_factory=dict)
    cached: dict[str, bool] = field(default_factory=dict)

    @property
    def to_sample(self) -> int:
        """Answers that the run would still sample and have judged."""
        return sum(count for step, count in self.answers.items() if not self.cached[step])


def plan_study(config: StudyConfig, folder: Path, layers: Mapping[str, int]) -> list[OrganismPlan]:
    """One plan for each organism, bases first; `layers` gives the number of layers of each family's model."""
    organisms = [LookedAt(**organism.__getstate__()) for organism in organisms_of(config, folder)]
    if config.measure == "birth":
        return [_birth_plan(o, layers[o.family]) for o in organisms if o.arm is not None]
    bases = {
        (organism.family, organism.seed, organism.trigger_name): _made(sample, organism, None)
        for organism in organisms
        if organism.arm is None
    }
    tuned = {
        organism: _made(finetune, organism) for organism in organisms if organism.arm is not None
    }
    baselines = {
        (organism.family, organism.seed): adapter
        for organism, adapter in tuned.items()
        if organism.arm == "baseline"
    }
    return [
        _base_plan(organism, bases)
        if organism.arm is None
        else _organism_plan(organism, tuned[organism], baselines, layers[organism.family])
        for organism in organisms
    ]


def _birth_plan(organism: OrganismRun, layers: int) -> OrganismPlan:
    made = _made(trajectory, organism)
    done = made is not None and _made(birth, organism, made) is not None
    answers = {"trajectory": 0, "birth": birth_answers(organism, layers)}
    return OrganismPlan(organism, answers, {"trajectory": made is not None, "birth": done})


Places = Mapping[tuple[str, int, str], Path | None]


def _base_plan(organism: OrganismRun, bases: Places) -> OrganismPlan:
    done = bases[organism.family, organism.seed, organism.trigger_name] is not None
    return OrganismPlan(organism, {"sample": sample_answers(organism)}, {"sample": done})


def _organism_plan(
    organism: OrganismRun,
    adapter: Path | None,
    baselines: Mapping[tuple[str, int], Path | None],
    layers: int,
) -> OrganismPlan:
    baseline = (organism.family, organism.seed)
    behaved = _made(sample, organism, adapter) if adapter else None
    folders, answers = (
        {"finetune": adapter, "sample": behaved},
        {"finetune": 0, "sample": sample_answers(organism)},
    )
    if organism.config.measure == "behaviour":
        return OrganismPlan(
            organism, answers, {step: path is not None for step, path in folders.items()}
        )
    found = _made(locate, organism, adapter) if adapter else None
    folders |= {
        "locate": found,
        "intervene": _made(intervene, organism, adapter, found) if found else None,
        "figure_data": _made(figure_data, organism, adapter, behaved, found)
        if behaved and found
        else None,
    }
    answers |= {
        "locate": locate_answers(organism, layers),
        "intervene": intervene_answers(organism),
        "figure_data": 0,
    }
    if organism.has_features:
        folders["features"] = (
            _made(features, organism, adapter, found) if adapter and found else None
        )
        answers["features"] = features_answers(organism)
    if organism.arm != "baseline":
        ready = found is not None and (baseline not in baselines or baselines[baseline] is not None)
        folders["compare"] = (
            _made(compare, organism, found, baselines.get(baseline)) if ready else None
        )
        answers["compare"] = compare_answers(organism, baseline in baselines)
    for name in organism.config.further:
        folders[name] = (
            _made(FURTHER[name], organism, adapter, found) if adapter and found else None
        )
        answers[name] = FURTHER_ANSWERS[name](organism)
    return OrganismPlan(
        organism, answers, {step: path is not None for step, path in folders.items()}
    )


def _made(step: Callable[..., Path], organism: OrganismRun, *inputs: Path | None) -> Path | None:
    """The folder of a finished step, or None."""
    try:
        return step(organism, *inputs, lambda _: None)
    except NotMade:
        return None


def steps_of(config: StudyConfig) -> dict[str, tuple[str, ...]]:
    """Arm -> the steps of its organisms, the same for every family; "base" stands for the untouched model."""
    folder = Path("artifacts/runs") / config.name
    plans = plan_study(config, folder, dict.fromkeys(config.families, 1))
    return {plan.organism.arm or "base": tuple(plan.answers) for plan in plans}
