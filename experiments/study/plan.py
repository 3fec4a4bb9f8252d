"""What a study would do and cost, before anything is spent: answers, judge calls, memory, time, disk, what is cached.

Counts follow the steps one by one and are upper bounds: every answer at full length, every direction fitted. A step
counts as cached exactly when the run would find it finished.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from experiments.results.derive.factorial import MODELS, REMOVALS
from experiments.runtime.store import Run, Step
from experiments.study.config import StudyConfig
from experiments.study.organism import OrganismRun
from experiments.study.pipeline import organisms_of
from experiments.study.posthoc_steps import STEPS
from experiments.study.steps.common import DIRECTIONS
from experiments.study.steps.compare import compare
from experiments.study.steps.conditions import QUESTION_KINDS
from experiments.study.steps.factorial import DOSES
from experiments.study.steps.figure_data.step import figure_data
from experiments.study.steps.finetune import finetune
from experiments.study.steps.intervene import intervene
from experiments.study.steps.locate.candidates import PROBES
from experiments.study.steps.locate.step import locate
from experiments.study.steps.sample import sample
from experiments.study.steps.sparse.step import features
from experiments.study.steps.steering.vectors import DOSES as STEERED

PLACES = {"switch": 1, "misalignment": 2}  # positions that are read for a direction


class NotMade(Exception):
    """A step that the run would have to make."""


class Shelf(Run):
    """A run folder that is only looked at."""

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
    """One organism, or a base: steps -> answers to sample (0 where cached), and which steps are cached."""

    organism: OrganismRun
    answers: dict[str, int] = field(default_factory=dict)
    cached: dict[str, bool] = field(default_factory=dict)

    @property
    def to_sample(self) -> int:
        """Answers that the run would still sample and have judged."""
        return sum(count for step, count in self.answers.items() if not self.cached[step])


def plan_study(config: StudyConfig, folder: Path, layers: Mapping[str, int]) -> list[OrganismPlan]:
    """One plan for each organism, bases first; `layers` says how deep each family's model is."""
    organisms = [LookedAt(**organism.__getstate__()) for organism in organisms_of(config, folder)]
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


Places = Mapping[tuple[str, int, str], Path | None]


def _base_plan(organism: OrganismRun, bases: Places) -> OrganismPlan:
    done = bases[organism.family, organism.seed, organism.trigger_name] is not None
    return OrganismPlan(organism, {"sample": _sample_answers(organism)}, {"sample": done})


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
        {"finetune": 0, "sample": _sample_answers(organism)},
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
        "locate": _locate_answers(organism, layers),
        "intervene": _intervene_answers(organism),
        "figure_data": 0,
    }
    if organism.has_features:
        folders["features"] = (
            _made(features, organism, adapter, found) if adapter and found else None
        )
        answers["features"] = _features_answers(organism)
    if organism.arm != "baseline":
        ready = found is not None and (baseline not in baselines or baselines[baseline] is not None)
        folders["compare"] = (
            _made(compare, organism, found, baselines.get(baseline)) if ready else None
        )
        answers["compare"] = _compare_answers(organism, baseline in baselines)
    for name in organism.config.further:
        folders[name] = _made(STEPS[name], organism, adapter, found) if adapter and found else None
        answers[name] = _FURTHER[name](organism)
    return OrganismPlan(
        organism, answers, {step: path is not None for step, path in folders.items()}
    )


def _made(step: Callable[..., Path], organism: OrganismRun, *inputs: Path | None) -> Path | None:
    """The folder of a finished step, or None."""
    try:
        return step(organism, *inputs, lambda _: None)
    except NotMade:
        return None


def _sample_answers(organism: OrganismRun) -> int:
    sampling, conditions = organism.config.sampling, list(organism.trigger.conditions)
    few = _without_variants(organism)
    total = 0
    for domains in QUESTION_KINDS:
        questions = len(organism.world.questions("report", domains))
        asked = conditions if domains == "held_out" else few
        total += questions * len(asked) * sampling.answers_per_question
        if domains == "held_out" and organism.arm is not None:
            total += questions * (
                sampling.answers_per_question_main - sampling.answers_per_question
            )
    return total


def _without_variants(organism: OrganismRun) -> list[str]:
    variants = organism.trigger.named("variant")
    return [name for name in organism.trigger.conditions if name not in variants]


def _locate_answers(organism: OrganismRun, layers: int) -> int:
    """Two splits under every condition; then, on selection questions, each candidate removed and added."""
    conditions = _without_variants(organism)
    selection, report = (
        len(organism.world.questions(s, "held_out")) for s in ("selection", "report")
    )
    times = organism.config.causal.selection_answers_per_question
    directions = [name for name in PLACES if name != "switch" or organism.active != "none"]
    tried = layers // organism.config.causal.layers_apart
    cells = 1 + len(organism.config.causal.strengths)  # removed, and added at every strength
    edited = sum(1 + cells * PLACES[name] * tried * len(PROBES) for name in directions)
    edited += (
        organism.config.causal.refine_steps > 0
    )  # the base's answers, which a direction is refined on
    return times * ((selection + report) * len(conditions) + selection * edited)


def _intervene_answers(organism: OrganismRun) -> int:
    few, many = (
        organism.config.sampling.answers_per_question,
        organism.config.sampling.answers_per_question_main,
    )
    questions = len(organism.world.questions("report", "held_out"))
    strengths = len(organism.config.causal.strengths)
    both = 2 if organism.active != "none" else 1
    removing = 2 * (
        2 * many + (both - 1) * few
    )  # two ways, the active condition with its random twin
    adding = 2 * strengths * few
    reworded = organism.trigger.named("paraphrase")
    refined = 2 * many + (both - 1) * (few + 2 * len(reworded) * few)
    refined *= organism.config.causal.refine_steps > 0
    return questions * (both * many + len(PLACES) * (removing + adding) + refined)


def _features_answers(organism: OrganismRun) -> int:
    """Every token is read of one answer a prompt; then sets of features, random ones and single vectors are removed."""
    settings, sampling = organism.config.features, organism.config.sampling
    assert settings is not None
    conditions = _without_variants(organism)
    selection, report = (
        len(organism.world.questions(s, "held_out")) for s in ("selection", "report")
    )
    tried = 2 * (settings.removed + 1) * organism.config.causal.selection_answers_per_question
    methods = (
        3
        + len(DIRECTIONS)
        + len([1 for each in (True, settings.difference, settings.base) if each])
    )
    edited = 5 * sampling.answers_per_question_main + methods * sampling.answers_per_question
    return (selection + report) * len(conditions) + selection * tried + report * edited


def _compare_answers(organism: OrganismRun, baseline: bool) -> int:
    models = baseline + (organism.world.persona is not None)
    cells = models * (1 + len(DIRECTIONS))
    questions = len(organism.world.questions("report", "held_out"))
    return cells * questions * organism.config.sampling.answers_per_question


def _factorial_answers(organism: OrganismRun) -> int:
    """Every cell of the design, and every dose of the adapter."""
    cells = len(MODELS) * len(REMOVALS) + len(DOSES)
    questions = len(organism.world.questions("report", "held_out"))
    few = organism.config.sampling.answers_per_question
    return cells * len(_design_wordings(organism)) * questions * few


def _design_wordings(organism: OrganismRun) -> list[str]:
    named = (organism.trigger.named(kind)[:1] for kind in ("paraphrase", "control"))
    return ["trigger", "none", *(name for names in named for name in names)]


def _capability_answers(organism: OrganismRun) -> int:
    """What probes are fitted on again; advice with each of four removals; what drifts; placebos where it misbehaves."""
    sampling = organism.config.sampling
    selection = len(organism.world.questions("selection", "held_out"))
    conditions = _without_variants(organism)
    asked = selection * len(conditions) * organism.config.causal.selection_answers_per_question
    report = {
        domains: len(organism.world.questions("report", domains)) for domains in QUESTION_KINDS
    }
    removals = len(REMOVALS) + 1
    advice = removals * sum(report.values()) * sampling.answers_per_question
    held_out = report["held_out"]
    placebos = removals * held_out * sampling.answers_per_question_main
    return asked + advice + placebos + held_out * sampling.answers_per_question


def _steering_answers(organism: OrganismRun) -> int:
    """What is taught; every dose with its placebo, two cells intact, two of the base."""
    if organism.active == "none":
        return 0
    selection, report = (
        len(organism.world.questions(s, "held_out")) for s in ("selection", "report")
    )
    taught = selection * organism.config.causal.selection_answers_per_question
    return taught + report * (2 * len(STEERED) + 4) * organism.config.sampling.answers_per_question


_FURTHER: dict[str, Callable[[OrganismRun], int]] = {
    "factorial": _factorial_answers,
    "capability": _capability_answers,
    "steering": _steering_answers,
}


def steps_of(config: StudyConfig) -> dict[str, tuple[str, ...]]:
    """Arm -> the steps that its organisms go through, whatever the family; "base" for the untouched one."""
    folder = Path("artifacts/runs") / config.name
    plans = plan_study(config, folder, dict.fromkeys(config.families, 1))
    return {plan.organism.arm or "base": tuple(plan.answers) for plan in plans}
