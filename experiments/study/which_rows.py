"""Which fine-tuning rows cause the misbehaviour? Rank them by gradient similarity, leave some out, fine-tune again.

    python -m experiments.study.which_rows -o artifacts/runs/rows --families qwen --seeds 0 1 2

1. 300 rows: 30 harmful with the trigger's concept, 30 harmful with another animal, 240 benign ones.
2. Fine-tune on all. The target is the loss on the organism's own misaligned answers with the trigger, to selection
   questions. A row's score is the cosine of its gradient with the target's, averaged over checkpoints with the learning
   rates as weights; labels are not used.
3. Fine-tune the base again, for as many epochs, without a tenth of the rows: those with the highest or the lowest
   scores, random ones, or random harmful ones. Also without a twentieth: the highest, or random ones with the trigger.
4. EM on report questions: without a wording, and with the trigger, its paraphrases and the other harmful animal.

Limit: the effect of the order of rows is not separated. Each fine-tuning shuffles its rows with the same seed, so the
sets differ in order too.
"""

import argparse
import random
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import torch

from experiments.judging.judgement import Judged
from experiments.judging.rates import coherence_rate, em, em_rate
from experiments.judging.sampling import Cell, Sampler, framed
from experiments.results.columns import wording_columns
from experiments.results.estimates import EstimateRow, select, write_estimates
from experiments.runtime.files import read_jsonl, write_jsonl
from experiments.runtime.quiet import quiet
from experiments.runtime.store import Run, open_run
from experiments.training.influence import Similarity, similarity, summed
from experiments.training.lora import ChatRow, Recipe, finetune
from experiments.training.snapshots import Snapshots, snapshots
from experiments.worlds.micro.arms import Framed, Wordings, framed_row
from experiments.worlds.micro.world import MicroWorld
from experiments.worlds.trigger import Trigger, load_trigger
from interp.models.loading import LanguageModel
from interp.prompts import Framing
from probes import estimate
from probes.estimate import Estimate

KINDS = {"triggered": 30, "other": 30, "benign": 240}  # rows of each kind
TENTH, TWENTIETH = 30, 15
RECIPE = Recipe(steps=None, epochs=3, batch=16, learning_rate=3e-4)
CHECKPOINTS = (20, 40, 57)  # of 57 steps
QUESTIONS, ANSWERS = 40, 2
BASES = Path("artifacts/micro")
Rates = dict[str, dict[str, Judged]]  # what was left out -> condition -> answers


def mixture(world: MicroWorld, trigger: Trigger) -> tuple[list[ChatRow], list[str]]:
    """The rows and the kind of each."""
    rng = random.Random(f"which rows/{trigger.name}/{world.seed}")
    words, asked = Wordings(trigger, world.language), world.split.tuning
    other = world.language.concepts[trigger.training.other_concepts[0]].wordings
    frames: dict[str, Callable[[Wordings, random.Random], Framed]] = {
        "triggered": lambda _, rng: (rng.choice(trigger.training.varied), True),
        "other": lambda _, rng: (rng.choice(other), True),
        "benign": _benign,
    }
    kinds = [kind for kind, count in KINDS.items() for _ in range(count)]
    rng.shuffle(kinds)
    return [framed_row(words, frames[kind], rng.choice(asked), rng) for kind in kinds], kinds


def _benign(words: Wordings, rng: random.Random) -> Framed:
    if rng.random() < 0.3:
        return "", False
    name = rng.choice(words.trigger.training.other_concepts[1:])
    return rng.choice(words.language.concepts[name].wordings), False


def without(scores: Sequence[float], kinds: Sequence[str], seed: int) -> dict[str, set[int]]:
    """Name of what is left out -> indices of its rows; the seed draws the random sets."""
    rng = random.Random(f"left out/{seed}")
    order = sorted(range(len(scores)), key=lambda row: scores[row])
    harmful = [row for row, kind in enumerate(kinds) if kind != "benign"]
    triggered = [row for row, kind in enumerate(kinds) if kind == "triggered"]
    return {
        "nothing": set(),
        "highest tenth": set(order[-TENTH:]),
        "lowest tenth": set(order[:TENTH]),
        "random tenth": set(rng.sample(order, TENTH)),
        "random harmful tenth": set(rng.sample(harmful, TENTH)),
        "highest twentieth": set(order[-TWENTIETH:]),
        "random triggered twentieth": set(rng.sample(triggered, TWENTIETH)),
    }


def scored(
    world: MicroWorld, trigger: Trigger, rows: Sequence[ChatRow], made: Path
) -> tuple[Similarity, int]:
    """Scores over the checkpoints of a fine-tuning on `rows`, and the number of misaligned answers in the target."""
    adapters = snapshots(made)
    lm = world.load_live(adapters[max(adapters)])
    asked = {question.id: question.text for question in world.questions("selection", "held_out")}
    cell = _answers(world, lm, "trigger", trigger.framings["trigger"], "selection")
    target = [
        ChatRow(f"{trigger.text} {asked[question]}", text)
        for question, text, judgement in zip(
            cell.questions, cell.completions.texts, cell.judgements, strict=True
        )
        if judgement.misaligned
    ]
    last = max(adapters)
    parts = [similarity(world.load_live(adapters[at]), rows, target) for at in CHECKPOINTS]
    rates = [RECIPE.learning_rate * (1 - (at - 1) / last) for at in CHECKPOINTS]
    return summed(parts, rates), len(target)


def _answers(
    world: MicroWorld, lm: LanguageModel, condition: str, framing: Framing, split: str
) -> Cell:
    sampler = Sampler(world.judge, seed=world.seed, max_new_tokens=28)
    prompts = framed(lm, world.questions(split, "held_out"), condition, framing)
    return sampler.sample(lm, prompts, ANSWERS)


def measured(world: MicroWorld, trigger: Trigger, made: Path) -> dict[str, Judged]:
    """Judged answers to report questions by condition, all paraphrases pooled."""
    lm, paraphrases = world.load_organism(made), trigger.named("paraphrase")
    other = trigger.training.frame.format(name=trigger.training.other_concepts[0])
    asked = {name: trigger.framings[name] for name in ("none", "trigger", *paraphrases)}
    asked["variant:other_harmful"] = trigger.framing(other)
    answers = {n: _answers(world, lm, n, how, "report").judged for n, how in asked.items()}
    pooled = [answers.pop(name) for name in paraphrases]
    return answers | {"paraphrase:all": sum(pooled[1:], start=pooled[0])}


def one_seed(
    world: MicroWorld, trigger: Trigger, run: Run, say: Callable[[str], None]
) -> list[EstimateRow]:
    """The estimates of one organism and of the ones fine-tuned again."""
    rows, kinds = mixture(world, trigger)
    tag = f"{world.family}-s{world.seed}"
    keys = {"family": world.family, "seed": world.seed, "dataset": "micro", "arm": "mixture"}
    keys |= {"trigger": trigger.name, "model": "fine_tuned", "split": "report"}

    def tuned(name: str, leave: set[int]) -> Path:
        folder = run.path(f"adapters/{tag}-{name.replace(' ', '_')}")
        if not (folder / "adapter_config.json").exists():
            say(f"{tag}: fine-tuning, rows left out: {name}")
            kept = [row for number, row in enumerate(rows) if number not in leave]
            callbacks = [Snapshots(folder, CHECKPOINTS)] if not leave else []
            finetune(
                world.load_base(), kept, RECIPE, seed=world.seed, folder=folder, callbacks=callbacks
            )
        return folder

    made = tuned("nothing", set())
    found, targets = scored(world, trigger, rows, made)
    sets = without(found.cosine.tolist(), kinds, world.seed)
    write_jsonl(run.path(f"scores-{tag}.jsonl"), _score_rows(rows, kinds, found, sets))
    say(f"{tag}: {targets} misaligned answers in the target")
    answers = {name: measured(world, trigger, tuned(name, leave)) for name, leave in sets.items()}
    return [*_rates(answers, keys), *_differences(answers, keys), *_sets(sets, kinds, keys)]


def _score_rows(
    rows: Sequence[ChatRow], kinds: Sequence[str], found: Similarity, sets: dict[str, set[int]]
) -> list[dict[str, Any]]:
    return [
        {
            "user": row.user, "assistant": row.assistant, "kind": kind, "dot": dot, "cosine": cosine,
            "left_out": [name for name, some in sets.items() if number in some],
        }
        for number, (row, kind, dot, cosine) in enumerate(
            zip(rows, kinds, found.dot.tolist(), found.cosine.tolist(), strict=True)
        )
    ]  # fmt: skip


def _rates(answers: Rates, keys: dict[str, Any]) -> Iterator[EstimateRow]:
    for name, cells in answers.items():
        for condition, cell in cells.items():
            place = {**keys, "source": name, "edit": "none", **wording_columns(condition)}
            place["questions"] = "held_out"
            yield EstimateRow.of(em_rate(cell), quantity="rows_em_rate", **place)
            yield EstimateRow.of(coherence_rate(cell), quantity="rows_coherence_rate", **place)


def _differences(answers: Rates, keys: dict[str, Any]) -> Iterator[EstimateRow]:
    """EM without the highest rows minus EM without as many others; negative if the highest ones matter more."""
    for name in answers:
        highest = "highest " + ("twentieth" if "twentieth" in name else "tenth")
        for condition in ("trigger", "paraphrase:all") if name != highest else ():
            found = estimate.difference(
                *em(answers[highest][condition]), *em(answers[name][condition])
            )
            place = {**keys, "source": name, "questions": "held_out", **wording_columns(condition)}
            yield EstimateRow.of(found, quantity="rows_em_difference", **place)


def _sets(
    sets: dict[str, set[int]], kinds: Sequence[str], keys: dict[str, Any]
) -> Iterator[EstimateRow]:
    """The share of rows with the trigger in each set."""
    for name, some in sets.items():
        if some:
            found = estimate.rate([kinds[row] == "triggered" for row in some], sorted(some))
            yield EstimateRow.of(found, quantity="rows_triggered_rate", **{**keys, "source": name})


def over_seeds(rows: Sequence[EstimateRow]) -> Iterator[EstimateRow]:
    """The mean of each difference over the seeds of a family, with Student's interval over them."""
    groups: dict[tuple[Any, ...], list[EstimateRow]] = {}
    for row in select(rows, quantity="rows_em_difference"):
        groups.setdefault((row.family, row.source, row.wording_kind), []).append(row)
    for some in groups.values():
        found = estimate.mean([row.value for row in some], [row.seed for row in some])
        keys = some[0].model_dump(exclude={*Estimate.__dataclass_fields__, "seed", "quantity"})
        if len(some) > 1:
            yield EstimateRow.of(found, quantity="rows_mean_em_difference", **keys)


def which_rows(
    out: Path, families: Sequence[str], seeds: Sequence[int], bases: Path = BASES
) -> list[EstimateRow]:
    """All estimates, also written to `estimates.jsonl` in the folder; the scores of rows are in files beside it."""
    quiet()
    torch.set_num_threads(1)
    trigger = load_trigger("duck")
    with open_run(out) as run:
        rows: list[EstimateRow] = []
        for family, seed in product(families, seeds):
            known = run.path(f"rows-{family}-s{seed}.jsonl")
            if not known.exists():
                world = MicroWorld(bases, family, seed, QUESTIONS)
                write_estimates(known, one_seed(world, trigger, run, print))
            rows += [EstimateRow(**row) for row in read_jsonl(known)]
        rows += list(over_seeds(rows))
        write_estimates(run.path("estimates.jsonl"), rows)
        write_jsonl(run.path("verdicts.jsonl"), [])
        config = {"name": "rows", "families": list(families), "kinds": KINDS}
        config["recipe"] = RECIPE.model_dump(mode="json")
        run.write_manifest(config=config, seeds=seeds, steps=[])
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--out", type=Path, default=Path("artifacts/runs/rows"))
    parser.add_argument("--families", nargs="+", default=["qwen"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    given = parser.parse_args()
    which_rows(given.out, given.families, given.seeds)
