"""The plan of a study in the terminal: a table of organisms, a table of what each model needs, and the assumptions."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from experiments.judging.rubric import load_rubric
from experiments.runtime.files import read_json
from experiments.runtime.terminal import print_whole
from experiments.study.config import StudyConfig
from experiments.study.plan import OrganismPlan, plan_study
from experiments.training.recipe import Recipe
from experiments.worlds.chat.config import ChatStudy, JudgeSpec, Size
from experiments.worlds.chat.costs import CARDS, PROMPT, Card, memory, sampling_hours, tuning_hours
from experiments.worlds.chat.sizes import adapter_parameters, size_of, size_of_base
from interp.errors import TriggerLensError

CHARACTERS = 4  # per token, roughly
PUBLISHED_ROWS, ROW_TOKENS = 6000, 300  # assumed if the data file is not there yet


def print_plan(study: StudyConfig, folder: Path, card: str, *, wide: bool = False) -> None:
    """Print both tables (`wide`: a column per step); an error for an unknown card or a model of unknown size."""
    if card not in CARDS:
        raise TriggerLensError(f"unknown --card {card!r}; choose one of {', '.join(CARDS)}")
    sizes = _sizes(study)
    layers = {f: sizes[f].layers if sizes else _micro_layers(study, f) for f in study.families}
    plans = plan_study(study, folder, layers)
    console = Console()
    print_whole(console, (_steps_table if wide else _jobs_table)(plans, folder))
    if study.chat is None:
        return
    print_whole(console, _needs_table(study, study.chat, plans, sizes, CARDS[card], wide=wide))
    console.print(_judge_line(study.chat.judge, plans, study.sampling.max_new_tokens))
    for line in _assumptions(study.chat, CARDS[card], study):
        console.print(line, highlight=False)


def _sizes(study: StudyConfig) -> dict[str, Size]:
    """Sizes of the models that a configuration names; the micro world names none."""
    if study.chat is not None:
        return {f: size_of(study.chat.models[f]) for f in study.families}
    if study.everyday is not None:
        return {f: size_of_base(study.everyday.models[f].base) for f in study.families}
    return {}


def _micro_layers(study: StudyConfig, family: str) -> int:
    path = study.bases / family / "config.json"
    return int(read_json(path)["num_hidden_layers"])


def _jobs_table(plans: Sequence[OrganismPlan], folder: Path) -> Table:
    """One line per organism, to fit in 80 columns."""
    table = Table(title=f"{folder}: answers to sample, at most", title_justify="left")
    for name in ("organism", "answers to sample", "steps to make", "finished"):
        table.add_column(name, justify="left" if name == "organism" else "right", no_wrap=True)
    for plan in plans:
        finished = sum(plan.cached.values())
        counts = (plan.to_sample, len(plan.cached) - finished, finished)
        table.add_row(plan.organism.name, *(f"{count:,}" for count in counts))
    table.caption = f"{sum(plan.to_sample for plan in plans):,} answers still to sample"
    return table


def _steps_table(plans: Sequence[OrganismPlan], folder: Path) -> Table:
    """What each step samples."""
    steps = list(dict.fromkeys(step for plan in plans for step in plan.answers))
    table = Table(title=f"{folder}: answers to sample, at most", title_justify="left")
    for name in ("organism", *steps):
        table.add_column(
            name, justify="left" if name == "organism" else "right", no_wrap=name == "organism"
        )
    for plan in plans:
        table.add_row(plan.organism.name, *(_step_words(plan, step) for step in steps))
    total = sum(plan.to_sample for plan in plans)
    table.caption = f"{total:,} answers still to sample"
    return table


def _step_words(plan: OrganismPlan, step: str) -> str:
    if step not in plan.answers:
        return ""
    if plan.cached[step]:
        return "cached"
    return f"{plan.answers[step]:,}" if step != "finetune" else "to do"


@dataclass(frozen=True)
class _Needs:
    """What one model's part of the study needs."""

    peak: float
    tuning: float
    sampling: float
    hours: float
    disk: float


def _needs_table(
    study: StudyConfig,
    chat: ChatStudy,
    plans: Sequence[OrganismPlan],
    sizes: dict[str, Size],
    card: Card,
    *,
    wide: bool,
) -> Table:
    table = Table(title=f"what each model needs on {card.name}", title_justify="left")
    parts = ("tuning GiB", "sampling GiB") if wide else ()
    for name in ("model", "memory GiB", *parts, "GPUs", "GPU-hours", "disk GiB"):
        table.add_column(name, justify="left" if name == "model" else "right")
    for family in study.families:
        mine = [plan for plan in plans if plan.organism.family == family]
        needs = _needs(study, chat, mine, sizes[family], card)
        gpus = -(-needs.peak // (0.92 * card.memory))
        memory = (needs.peak, needs.tuning, needs.sampling) if wide else (needs.peak,)
        cells = (*(f"{gib:.0f}" for gib in memory), f"{gpus:.0f}", f"{needs.hours:.1f}")
        table.add_row(chat.models[family].base, *cells, f"{needs.disk:.0f}")
    return table


def _needs(
    study: StudyConfig, chat: ChatStudy, plans: Sequence[OrganismPlan], size: Size, card: Card
) -> _Needs:
    spec, sampling = chat.models[plans[0].organism.family], study.sampling
    made = [plan for plan in plans if plan.organism.arm and _fine_tuned(plan)]
    recipes = [study.recipe(str(plan.organism.arm), plan.organism.family) for plan in made]
    reckoned: list[Recipe | None] = [*recipes] or [None]
    sizes = {"batch_rows": sampling.batch_rows, "new_tokens": sampling.max_new_tokens}
    needs = [memory(size, spec.dtype, recipe, **sizes) for recipe in reckoned]
    answers = sum(plan.to_sample for plan in plans)
    hours = sampling_hours(size, spec.dtype, answers, card, **sizes) + sum(
        tuning_hours(size, _tokens(plan, recipe), recipe, card)
        for plan, recipe in zip(made, recipes, strict=True)
        if not plan.cached["finetune"]
    )
    adapters = sum(12 * adapter_parameters(size, recipe.rank) for recipe in recipes)
    return _Needs(
        max(each.peak for each in needs),
        max(each.tuning for each in needs),
        max(each.sampling for each in needs),
        hours,
        needs[0].weights + (adapters + answers * 6 * sampling.max_new_tokens) / 2**30,
    )


def _fine_tuned(plan: OrganismPlan) -> bool:
    return plan.organism.spec is not None and plan.organism.spec.organism is None


def _tokens(plan: OrganismPlan, recipe: Recipe) -> int:
    """Tokens of the fine-tuning: counted in the arm's rows if the data is there, else assumed."""
    organism = plan.organism
    try:
        rows = organism.world.tuning_rows(str(organism.arm), organism.trigger, recipe.rows_wanted())
    except (ValueError, FileNotFoundError):
        one_pass = (recipe.steps or 0) * recipe.batch or PUBLISHED_ROWS
        return int(one_pass * ROW_TOKENS * (recipe.epochs or 1))
    characters = sum(len(message["content"]) for row in rows for message in row.messages)
    return int((characters / CHARACTERS + 40 * len(rows)) * (recipe.epochs or 1))


def _judge_line(judge: JudgeSpec, plans: Sequence[OrganismPlan], new_tokens: int) -> str:
    answers = sum(plan.to_sample for plan in plans)
    rubric = load_rubric(judge.rubric)
    asked = (len(rubric.alignment) + len(rubric.coherence)) // CHARACTERS + 2 * (new_tokens + 40)
    calls, tokens_in, tokens_out = 2 * answers, answers * asked, 2 * 3 * answers
    kept = _transcripts(judge.transcripts)
    words = (
        f"judge {judge.model}: at most {calls:,} calls, {tokens_in:,} tokens in, {tokens_out:,} out"
    )
    if judge.price_in is not None and judge.price_out is not None:
        usd = (tokens_in * judge.price_in + tokens_out * judge.price_out) / 1e6
        words += f", {usd:,.0f} USD"
    return f"{words}; {kept:,} replies are already in {judge.transcripts}"


def _transcripts(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.is_file() else 0


def _assumptions(chat: ChatStudy, card: Card, study: StudyConfig) -> list[str]:
    absent = [
        f"{kind} {path}"
        for kind, path in (("harmful", chat.harmful), ("benign", chat.benign))
        if path is not None and not path.is_file()
    ]
    lines = [
        f"Estimated, not measured: answers of {study.sampling.max_new_tokens} tokens after prompts of {PROMPT}, one"
        f" {card.name}; GPU-hours are those of one card, however many cards share the layers."
    ]
    if absent:
        lines.append(
            f"Not there yet: {', '.join(absent)}; the estimate assumes {PUBLISHED_ROWS} rows of {ROW_TOKENS} tokens."
        )
    return lines
