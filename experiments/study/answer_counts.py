"""Upper bounds on the answers that each step of an organism samples, assuming that every direction is fitted."""

from collections.abc import Callable

from experiments.results.derive.factorial import MODELS, REMOVALS
from experiments.study.organism import OrganismRun
from experiments.study.steps.common import DIRECTIONS
from experiments.study.steps.conditions import QUESTION_KINDS
from experiments.study.steps.factorial import DOSES
from experiments.study.steps.interchange.step import STARTS
from experiments.study.steps.locate.candidates import PROBES
from experiments.study.steps.steering.vectors import DOSES as STEERED

PLACES = {"switch": 1, "misalignment": 2}  # positions that are read for a direction
LAYERS_TRIED = 4
CONTROLS = 4 + STARTS


def sample_answers(organism: OrganismRun) -> int:
    sampling, conditions = organism.config.sampling, list(organism.trigger.conditions)
    few = _without_variants(organism)
    total = 0
    for domains in QUESTION_KINDS:
        questions = len(organism.world.questions(sampling.split, domains))
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


def locate_answers(organism: OrganismRun, layers: int) -> int:
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
    )  # the base's answers, on which a direction is refined
    return times * ((selection + report) * len(conditions) + selection * edited)


def intervene_answers(organism: OrganismRun) -> int:
    few, many = (
        organism.config.sampling.answers_per_question,
        organism.config.sampling.answers_per_question_main,
    )
    questions = len(organism.world.questions("report", "held_out"))
    strengths = len(organism.config.causal.strengths)
    both = 2 if organism.active != "none" else 1
    removing = 2 * (
        2 * many + (both - 1) * few
    )  # two ways to remove; under the active condition, random directions too
    adding = 2 * strengths * few
    reworded = organism.trigger.named("paraphrase")
    refined = 2 * many + (both - 1) * (few + 2 * len(reworded) * few)
    refined *= organism.config.causal.refine_steps > 0
    return questions * (both * many + len(PLACES) * (removing + adding) + refined)


def features_answers(organism: OrganismRun) -> int:
    """One answer per prompt, read at every token; then removals of feature sets, random sets and single vectors."""
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


def compare_answers(organism: OrganismRun, baseline: bool) -> int:
    models = baseline + (organism.world.persona is not None)
    cells = models * (1 + len(DIRECTIONS))
    questions = len(organism.world.questions("report", "held_out"))
    return cells * questions * organism.config.sampling.answers_per_question


def factorial_answers(organism: OrganismRun) -> int:
    """Every cell of the design, and every dose of the adapter."""
    cells = len(MODELS) * len(REMOVALS) + len(DOSES)
    questions = len(organism.world.questions("report", "held_out"))
    few = organism.config.sampling.answers_per_question
    return cells * len(_design_wordings(organism)) * questions * few


def _design_wordings(organism: OrganismRun) -> list[str]:
    named = (organism.trigger.named(kind)[:1] for kind in ("paraphrase", "control"))
    return ["trigger", "none", *(name for names in named for name in names)]


def capability_answers(organism: OrganismRun) -> int:
    """Answers to refit probes on; advice under each removal; benign answers for drift; placebos with the trigger."""
    sampling = organism.config.sampling
    selection = len(organism.world.questions("selection", "held_out"))
    conditions = _without_variants(organism)
    asked = selection * len(conditions) * organism.config.causal.selection_answers_per_question
    report = {
        domains: len(organism.world.questions("report", domains)) for domains in QUESTION_KINDS
    }
    removals = len(REMOVALS) + 1
    others = len(DIRECTIONS) - 1
    advice = (removals + others) * sum(report.values()) * sampling.answers_per_question
    held_out = report["held_out"]
    placebos = removals * held_out * sampling.answers_per_question_main
    return asked + advice + placebos + held_out * sampling.answers_per_question


def steering_answers(organism: OrganismRun) -> int:
    """The answers to train on; every dose with its placebo; two intact cells and two of the base."""
    if organism.active == "none":
        return 0
    selection, report = (
        len(organism.world.questions(s, "held_out")) for s in ("selection", "report")
    )
    taught = selection * organism.config.causal.selection_answers_per_question
    return taught + report * (2 * len(STEERED) + 4) * organism.config.sampling.answers_per_question


def interchange_answers(organism: OrganismRun) -> int:
    """The answers that subspaces are trained on; then every swap. The model's depth is unknown here: four layers."""
    if organism.active == "none":
        return 0
    sampling, causal = organism.config.sampling, organism.config.causal
    selection, report = (
        len(organism.world.questions(s, "held_out")) for s in ("selection", "report")
    )
    paraphrases = len(organism.trigger.named("paraphrase"))
    unseen = paraphrases + len(organism.trigger.named("control"))
    subspaces = LAYERS_TRIED + len(causal.interchange_ranks) + CONTROLS
    cells = (2 + unseen) + 2 * subspaces + (1 + unseen + paraphrases) + 2
    taught = 3 * selection * causal.selection_answers_per_question
    return taught + report * cells * sampling.answers_per_question


def birth_answers(organism: OrganismRun, layers: int) -> int:
    """At every checkpoint: all wordings, each candidate removed and added, then both edits and random controls."""
    sampling, causal = organism.config.sampling, organism.config.causal
    selection, report = (
        len(organism.world.questions(s, "held_out")) for s in ("selection", "report")
    )
    conditions, many = len(_without_variants(organism)), sampling.answers_per_question_main
    tried = sum(PLACES.values()) * (layers // causal.layers_apart) * (1 + len(causal.strengths))
    asked = conditions + tried + len(PLACES)
    chosen = selection * asked * causal.selection_answers_per_question
    reported = (conditions - 2) * sampling.answers_per_question + (2 + 4 * len(PLACES)) * many
    return (len(organism.config.checkpoints) + 1) * (chosen + report * reported)


FURTHER_ANSWERS: dict[str, Callable[[OrganismRun], int]] = {
    "factorial": factorial_answers,
    "capability": capability_answers,
    "interchange": interchange_answers,
    "steering": steering_answers,
}
