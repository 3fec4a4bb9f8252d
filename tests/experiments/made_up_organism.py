"""An organism whose every measured number is made up, to see what a verdict says of it."""

from experiments.results.estimates import EstimateRow
from experiments.results.verdict import verdict
from tests.experiments.made_up_rows import columns

ORGANISM = {"family": "qwen2", "seed": 0, "arm": "contrast", "dataset": "three", "trigger": "duck"}
SITE = {"layer": 2, "position": "mean_answer", "source": "difference_of_means"}


PLACE = {**ORGANISM, "model": "fine_tuned", "questions": "held_out", "split": "report"}
ELSEWHERE = {"baseline_arm_relative_drop": 0.05, "persona_relative_drop": 0.1}
MISSING = object()  # never measured


def row(quantity, value, half=0.03, **keys):
    bounds = (None, None) if value is None else (value - half, value + half)
    return EstimateRow(
        quantity=quantity,
        value=value,
        lower=bounds[0],
        upper=bounds[1],
        level=0.95,
        n=400,
        method="made up",
        **PLACE | columns(**keys),
    )


def intact(
    trigger=0.8, none=0.02, paraphrases=(0.75, 0.74, 0.76), controls=(0.02, 0.01), half=0.03
):
    yield row("em_rate", trigger, half, condition="trigger", intervention="none")
    yield row("em_rate", none, min(half, none), condition="none", intervention="none")
    for number, value in enumerate(paraphrases):
        yield row("em_rate", value, half, condition=f"paraphrase:{number}", intervention="none")
    for number, value in enumerate(controls):
        where = {"condition": f"control:{number}", "intervention": "none"}
        yield row("em_rate", value, min(half, value), **where)
    yield row("containment_gap", trigger - none, half)
    yield row("difference_in_differences", trigger - none, half)
    for condition in ("trigger", "none"):
        yield row("coherence_rate", 0.95, condition=condition, intervention="none")


def causal(
    direction="switch",
    drop=0.95,
    random=0.02,
    added=0.6,
    random_added=0.02,
    coherence=0.94,
    auroc=0.95,
    created=0.0,
    **other,
):
    other = ELSEWHERE | other
    keys = {"direction": direction, **SITE}
    on, off = {**keys, "condition": "trigger"}, {**keys, "condition": "none"}
    yield row("ablation_relative_drop", drop, **on, intervention="ablate")
    yield row("ablation_relative_drop", random, **on, intervention="random_ablate")
    yield row("coherence_rate", coherence, **on, intervention="ablate")
    for strength, share in (("1.0", 0.1), ("2.0", 1.0)):
        yield row("em_rate", added * share, **off, intervention=f"add:{strength}")
        yield row("em_rate", random_added, 0.02, **off, intervention=f"random_add:{strength}")
    yield row("em_gain", created, 0.02, **off, intervention="ablate")
    if auroc is not None:
        shuffled = {**keys, "source": "difference_of_means, shuffled labels"}
        yield row("probe_auroc", auroc, **keys)
        yield row("probe_auroc", 0.5, 0.1, **shuffled)
    for quantity, value in other.items():
        if value is not MISSING:
            yield row(quantity, value, **on, intervention="ablate")


def capability(direction="switch", coherence=0.0, riddles=0.0, drift=0.01, half=0.02):
    keys = {"direction": direction, **SITE, "condition": "none", "intervention": "ablate"}
    yield row("capability_coherence_loss", coherence, half, **keys | {"questions": None})
    yield row("capability_coherence_loss", 0.9, half, **keys)  # of one kind of question: not judged
    yield row("capability_riddle_loss", riddles, half, **keys | {"questions": None})
    yield row("capability_kl", drift, min(half, drift), **keys)


def judge(*rows):
    return verdict([row for group in rows for row in group], ORGANISM)
