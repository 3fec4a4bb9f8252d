"""What the page draws beyond rates, for one organism: `maps.json`, and the rows behind its claims.

Reads prompts once, asks for no new answers: it takes what `behave` sampled and what `find` located.
"""

from pathlib import Path
from typing import Any

from experiments import maps
from experiments.behaviour import DOMAINS, judged_cells
from experiments.estimates import EstimateRow, write_estimates
from experiments.extras import has
from experiments.files import read_jsonl, write_json
from experiments.job import Job
from experiments.maps.by_question import domain_rows, question_counts
from experiments.maps.cosines import cosines
from experiments.maps.patching import both_answers, patching
from experiments.maps.projections import plane, projection_rows, projections
from experiments.maps.reach import distances, reach_rows
from experiments.maps.transfer import transfer_rows
from experiments.sampling import framed
from experiments.steps.common import Located, Say, answers_and, dump, load, read_directions, stamp
from interp.activations import Activations
from interp.capture import capture
from interp.models import LanguageModel
from interp.prompts import Question

QUESTIONS = 50  # whose prompts are drawn under every wording
ORGANISM = ("family", "seed", "dataset", "arm", "trigger")


def picture(job: Job, adapter: Path, behaved: Path, found: Path, say: Say) -> Path:
    """The maps of one organism."""
    inputs = {**job.identity, "behaved": stamp(behaved), "found": stamp(found)}
    inputs |= {"causal": dump(job.config.causal), "sentence_model": has("distance")}
    with job.run.step(
        f"picture-{job.name}", inputs, answers_and(job, maps, Path(__file__))
    ) as step:
        if step.todo:
            say("drawing maps of prompts and directions")
            content, rows = draw(job, load(job, adapter), behaved, found)
            write_json(step.path("maps.json"), content)
            write_estimates(step.path("rows.jsonl"), rows)
    return step.folder


def draw(
    job: Job, lm: LanguageModel, behaved: Path, found: Path
) -> tuple[dict[str, Any], list[EstimateRow]]:
    """The content of `maps.json`, and the rows behind its claims."""
    answers = read_jsonl(behaved / "answers.jsonl")
    cells, located = judged_cells(answers), read_directions(found)
    asked = {domains: job.setting.questions("report", domains) for domains in DOMAINS}
    content: dict[str, Any] = {
        **{key: job.keys[key] for key in ORGANISM},
        "wordings": job.trigger.conditions,
        "questions": question_counts(cells, asked),
    }
    keys = {**job.keys, "split": "report"}
    rows = list(domain_rows(cells, keys, seed=job.seed))
    keys["domains"] = "held_out"
    layer = _layer(located, lm)
    read = _read(job, lm, asked["held_out"][:QUESTIONS], located, layer)
    away = distances(job.trigger.conditions, read, layer)
    content |= {
        "projections": projections(located, read),
        "plane": plane(read, layer),
        "cosines": cosines(located, read, layer),
        "distances": away,
        "distance_layer": layer,
        "patching": _patching(job, lm, answers, cells),
    }
    rows += projection_rows(located, read, keys, seed=job.seed)
    rows += transfer_rows(_without_variants(read), layer, keys, seed=job.seed)
    rows += reach_rows(away, cells, keys, seed=job.seed)
    return content, rows


def _read(
    job: Job, lm: LanguageModel, questions: list[Question], located: list[Located], layer: int
) -> Activations:
    """The last prompt token of every wording, at the layers that are drawn."""
    prompts = [framed(lm, questions, name, each) for name, each in job.trigger.framings.items()]
    layers = sorted({layer, *(each.removed.layer for each in located)})
    return capture(lm, sum(prompts[1:], start=prompts[0]), layers=layers)


def _patching(job: Job, lm: LanguageModel, answers: list[dict[str, Any]], cells: Any) -> Any:
    if job.active == "none":
        return {"missing": "this arm misbehaves without the trigger, so there is none to patch"}
    apart = job.config.causal.layers_apart
    return patching(
        lm,
        job.trigger,
        job.setting.questions("report", "held_out"),
        cells,
        both_answers(answers),
        layers=[layer for layer in range(lm.n_layers) if (layer + 1) % apart == 0],
        seed=job.seed,
    )


def _layer(located: list[Located], lm: LanguageModel) -> int:
    """Where prompts are compared: the layer of the first located direction, the middle one without any."""
    return located[0].removed.layer if located else lm.n_layers // 2


def _without_variants(read: Activations) -> Activations:
    kept = [name for name in dict.fromkeys(read.conditions) if not name.startswith("variant:")]
    return read.where(condition=kept)
