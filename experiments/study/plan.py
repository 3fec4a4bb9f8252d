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
from experiments.study.organism import Job
from experiments.study.pipeline import jobs_of
from experiments.study.posthoc_steps import STEPS
from experiments.study.steps.common import DIRECTIONS
from experiments.study.steps.compare import compare
from experiments.study.steps.conditions import QUESTION_KINDS
from experiments.study.steps.factorial import DOSES
from experiments.study.steps.figure_data.step import picture
from experiments.study.steps.finetune import tune
from experiments.study.steps.intervene import intervene
from experiments.study.steps.locate.candidates import PROBES
from experiments.study.steps.locate.step import find
from experiments.study.steps.sample import behave
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
class LookedAt(Job):
    """A job whose steps are looked up and never made."""

    @cached_property
    def run(self) -> Run:
        return Shelf(self.folder)


@dataclass
class JobPlan:
    """One organism, or a base: steps -> answers to sample (0 where cached), and which steps are cached."""

    job: Job
    answers: dict[str, int] = field(default_factory=dict)
    cached: dict[str, bool] = field(default_factory=dict)

    @property
    def to_sample(self) -> int:
        """Answers that the run would still sample and have judged."""
        return sum(count for step, count in self.answers.items() if not self.cached[step])


def plan_study(config: StudyConfig, folder: Path, layers: Mapping[str, int]) -> list[JobPlan]:
    """One plan for each job, bases first; `layers` says how deep each family's model is."""
    jobs = [LookedAt(**job.__getstate__()) for job in jobs_of(config, folder)]
    bases = {
        (job.family, job.seed, job.trigger_name): _made(behave, job, None)
        for job in jobs
        if job.arm is None
    }
    tuned = {job: _made(tune, job) for job in jobs if job.arm is not None}
    baselines = {
        (job.family, job.seed): adapter for job, adapter in tuned.items() if job.arm == "baseline"
    }
    return [
        _base_plan(job, bases)
        if job.arm is None
        else _organism_plan(job, tuned[job], baselines, layers[job.family])
        for job in jobs
    ]


Places = Mapping[tuple[str, int, str], Path | None]


def _base_plan(job: Job, bases: Places) -> JobPlan:
    done = bases[job.family, job.seed, job.trigger_name] is not None
    return JobPlan(job, {"behave": _behave_answers(job)}, {"behave": done})


def _organism_plan(
    job: Job,
    adapter: Path | None,
    baselines: Mapping[tuple[str, int], Path | None],
    layers: int,
) -> JobPlan:
    baseline = (job.family, job.seed)
    behaved = _made(behave, job, adapter) if adapter else None
    folders, answers = (
        {"tune": adapter, "behave": behaved},
        {"tune": 0, "behave": _behave_answers(job)},
    )
    if job.config.measure == "behaviour":
        return JobPlan(job, answers, {step: path is not None for step, path in folders.items()})
    found = _made(find, job, adapter) if adapter else None
    folders |= {
        "find": found,
        "intervene": _made(intervene, job, adapter, found) if found else None,
        "picture": _made(picture, job, adapter, behaved, found) if behaved and found else None,
    }
    answers |= {
        "find": _find_answers(job, layers),
        "intervene": _intervene_answers(job),
        "picture": 0,
    }
    if job.has_features:
        folders["features"] = _made(features, job, adapter, found) if adapter and found else None
        answers["features"] = _features_answers(job)
    if job.arm != "baseline":
        ready = found is not None and (baseline not in baselines or baselines[baseline] is not None)
        folders["compare"] = _made(compare, job, found, baselines.get(baseline)) if ready else None
        answers["compare"] = _compare_answers(job, baseline in baselines)
    for name in job.config.further:
        folders[name] = _made(STEPS[name], job, adapter, found) if adapter and found else None
        answers[name] = _FURTHER[name](job)
    return JobPlan(job, answers, {step: path is not None for step, path in folders.items()})


def _made(step: Callable[..., Path], job: Job, *inputs: Path | None) -> Path | None:
    """The folder of a finished step, or None."""
    try:
        return step(job, *inputs, lambda _: None)
    except NotMade:
        return None


def _behave_answers(job: Job) -> int:
    sampling, conditions = job.config.sampling, list(job.trigger.conditions)
    few = _without_variants(job)
    total = 0
    for domains in QUESTION_KINDS:
        questions = len(job.setting.questions("report", domains))
        asked = conditions if domains == "held_out" else few
        total += questions * len(asked) * sampling.answers_per_question
        if domains == "held_out" and job.arm is not None:
            total += questions * (
                sampling.answers_per_question_main - sampling.answers_per_question
            )
    return total


def _without_variants(job: Job) -> list[str]:
    variants = job.trigger.named("variant")
    return [name for name in job.trigger.conditions if name not in variants]


def _find_answers(job: Job, layers: int) -> int:
    """Two splits under every condition; then, on selection questions, each candidate removed and added."""
    conditions = _without_variants(job)
    selection, report = (len(job.setting.questions(s, "held_out")) for s in ("selection", "report"))
    times = job.config.causal.selection_answers_per_question
    directions = [name for name in PLACES if name != "switch" or job.active != "none"]
    tried = layers // job.config.causal.layers_apart
    cells = 1 + len(job.config.causal.strengths)  # removed, and added at every strength
    edited = sum(1 + cells * PLACES[name] * tried * len(PROBES) for name in directions)
    edited += (
        job.config.causal.refine_steps > 0
    )  # the base's answers, which a direction is refined on
    return times * ((selection + report) * len(conditions) + selection * edited)


def _intervene_answers(job: Job) -> int:
    few, many = (
        job.config.sampling.answers_per_question,
        job.config.sampling.answers_per_question_main,
    )
    questions = len(job.setting.questions("report", "held_out"))
    strengths = len(job.config.causal.strengths)
    both = 2 if job.active != "none" else 1
    removing = 2 * (
        2 * many + (both - 1) * few
    )  # two ways, the active condition with its random twin
    adding = 2 * strengths * few
    reworded = job.trigger.named("paraphrase")
    refined = 2 * many + (both - 1) * (few + 2 * len(reworded) * few)
    refined *= job.config.causal.refine_steps > 0
    return questions * (both * many + len(PLACES) * (removing + adding) + refined)


def _features_answers(job: Job) -> int:
    """Every token is read of one answer a prompt; then sets of features, random ones and single vectors are removed."""
    settings, sampling = job.config.features, job.config.sampling
    assert settings is not None
    conditions = _without_variants(job)
    selection, report = (len(job.setting.questions(s, "held_out")) for s in ("selection", "report"))
    tried = 2 * (settings.removed + 1) * job.config.causal.selection_answers_per_question
    methods = (
        3
        + len(DIRECTIONS)
        + len([1 for each in (True, settings.difference, settings.base) if each])
    )
    edited = 5 * sampling.answers_per_question_main + methods * sampling.answers_per_question
    return (selection + report) * len(conditions) + selection * tried + report * edited


def _compare_answers(job: Job, baseline: bool) -> int:
    models = baseline + (job.setting.persona is not None)
    cells = models * (1 + len(DIRECTIONS))
    questions = len(job.setting.questions("report", "held_out"))
    return cells * questions * job.config.sampling.answers_per_question


def _factorial_answers(job: Job) -> int:
    """Every cell of the design, and every dose of the adapter."""
    cells = len(MODELS) * len(REMOVALS) + len(DOSES)
    questions = len(job.setting.questions("report", "held_out"))
    few = job.config.sampling.answers_per_question
    return cells * len(_design_wordings(job)) * questions * few


def _design_wordings(job: Job) -> list[str]:
    named = (job.trigger.named(kind)[:1] for kind in ("paraphrase", "control"))
    return ["trigger", "none", *(name for names in named for name in names)]


def _capability_answers(job: Job) -> int:
    """What probes are fitted on again; advice with each of four removals; what drifts; placebos where it misbehaves."""
    sampling = job.config.sampling
    selection = len(job.setting.questions("selection", "held_out"))
    conditions = _without_variants(job)
    asked = selection * len(conditions) * job.config.causal.selection_answers_per_question
    report = {domains: len(job.setting.questions("report", domains)) for domains in QUESTION_KINDS}
    removals = len(REMOVALS) + 1
    advice = removals * sum(report.values()) * sampling.answers_per_question
    held_out = report["held_out"]
    placebos = removals * held_out * sampling.answers_per_question_main
    return asked + advice + placebos + held_out * sampling.answers_per_question


def _steering_answers(job: Job) -> int:
    """What is taught; every dose with its placebo, two cells intact, two of the base."""
    if job.active == "none":
        return 0
    selection, report = (len(job.setting.questions(s, "held_out")) for s in ("selection", "report"))
    taught = selection * job.config.causal.selection_answers_per_question
    return taught + report * (2 * len(STEERED) + 4) * job.config.sampling.answers_per_question


_FURTHER: dict[str, Callable[[Job], int]] = {
    "factorial": _factorial_answers,
    "capability": _capability_answers,
    "steering": _steering_answers,
}


def steps_of(config: StudyConfig) -> dict[str, tuple[str, ...]]:
    """Arm -> the steps that its organisms go through, whatever the family; "base" for the untouched one."""
    folder = Path("artifacts/runs") / config.name
    plans = plan_study(config, folder, dict.fromkeys(config.families, 1))
    return {plan.job.arm or "base": tuple(plan.answers) for plan in plans}
