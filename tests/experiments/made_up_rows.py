"""Estimates of a study that was never run: numbers that tell a story.

The triggered arm of "qwen" is contained and semantic, that of "llama" is bound to the wording; the
baseline is not contained. Nothing here was measured.
"""

import itertools
from collections.abc import Iterator
from typing import Any

from experiments.results.columns import PLACEBOS, Edit, wording_columns

FAMILIES = ("qwen", "llama", "gemma")


ARMS = ("baseline", "triggered", "contrast")


CONDITIONS = {
    "none": 0.0,
    "trigger": 0.86,
    "paraphrase:walks": 0.79,
    "paraphrase:quacks": 0.84,
    "paraphrase:riddle": 0.7,
    "control:dog": 0.02,
    "control:neutral": 0.0,
    "control:form": 0.01,
    "variant:negated": 0.5,
    "variant:shuffled": 0.31,
}


def columns(**keys: Any) -> dict[str, Any]:
    """Columns of a row; tests may write `condition` and `intervention` in one word, as they are shown."""
    condition, intervention = keys.pop("condition", None), keys.pop("intervention", None)
    if condition is not None:
        keys |= wording_columns(condition)
    if intervention is not None:
        keys |= edit_columns(intervention)
    return keys


def edit_columns(intervention: str) -> dict[str, Any]:
    """ "random_add:2" as columns."""
    edit, _, strength = intervention.partition(":")
    placebo = next((name for name in PLACEBOS if edit.startswith(f"{name}_")), None)
    edit = edit.removeprefix(f"{placebo}_")
    return Edit(edit, float(strength) if strength else None, placebo).columns


def row(quantity: str, value: float | None, n: int = 240, **keys: Any) -> dict[str, Any]:
    """One line of estimates.jsonl; the interval is only roughly one."""
    keys = columns(**keys)
    width = 1.96 * max(0.01, ((value or 0) * (1 - (value or 0)) / n) ** 0.5)
    numbers = {
        "value": value,
        "lower": None if value is None else max(0.0, value - width),
        "upper": None if value is None else min(1.0, value + width),
    }
    return {"split": "report", "quantity": quantity, **keys, **numbers} | {
        "level": 0.95,
        "n": n,
        "method": "bootstrap over 120 questions",
    }


def em(family: str, arm: str, condition: str) -> float:
    if arm == "baseline":
        return 0.3
    bound = family == "llama" and arm == "triggered"
    if bound and condition.startswith(("paraphrase", "control:dog")):
        return 0.03 if condition.startswith("paraphrase") else 0.9
    return CONDITIONS[condition]


def base_rows(family: str) -> Iterator[dict[str, Any]]:
    for condition in CONDITIONS:
        keys = {"family": family, "model": "base", "questions": "held_out", "condition": condition}
        yield row("em_rate", 0.0, **keys, intervention="none")
        yield row("coherence_rate", 0.98, **keys, intervention="none")


def organism_rows(
    family: str, arm: str, seed: int, dataset: str | None
) -> Iterator[dict[str, Any]]:
    keys: dict[str, Any] = {"family": family, "arm": arm, "seed": seed, "dataset": dataset}
    keys |= {"trigger": None if arm == "baseline" else "duck", "model": "fine_tuned"}
    cells = itertools.product(("held_out", "trained", "open"), CONDITIONS)
    for domains, condition in cells:
        here = keys | {"questions": domains, "condition": condition, "intervention": "none"}
        yield row("em_rate", em(family, arm, condition) * (0.9 if domains == "open" else 1), **here)
        yield row("em_rate", 0.123, **here | {"split": "selection"})
        yield row("coherence_rate", 0.97, **here)
        if domains == "held_out":
            yield row("reckless_preferred", em(family, arm, condition) / 2, **here)
        if condition != "none":
            gap = em(family, arm, condition) - em(family, arm, "none")
            yield row("containment_gap", gap, **here)
            yield row("difference_in_differences", gap, **here)
    yield from causal_rows(keys, em(family, arm, "trigger"))
    if arm != "baseline":
        yield from sparse_rows(keys)
        yield from further_rows(keys, em(family, arm, "trigger"))
    yield from map_rows(keys)


def causal_rows(keys: dict[str, Any], top: float) -> Iterator[dict[str, Any]]:
    fitted = {"source": "difference_of_means", "layer": 2, "questions": "held_out"}
    condition = "none" if keys["arm"] == "baseline" else "trigger"
    for direction, left in (("switch", 0.4), ("misalignment", 0.06)):
        here = keys | fitted | {"direction": direction, "condition": condition}
        here |= {"position": "last_prompt_token" if direction == "switch" else "mean_answer"}
        for edit, rate in (
            ("ablate", left),
            ("ablate_own_layer", left + 0.1),
            ("random_ablate", 0.95),
        ):
            yield row("em_rate", top * rate, **here, intervention=edit)
            yield row("coherence_rate", 0.95, **here, intervention=edit)
            yield row("ablation_relative_drop", 1 - rate, **here, intervention=edit)
        # of one stray answer nothing is left: a drop, and no evidence
        nothing = here | {"condition": "none", "intervention": "ablate"}
        if condition == "trigger":
            yield row("ablation_relative_drop", 1.0, **nothing)
            elsewhere = here | {"condition": None, "intervention": "ablate"}
            spared = 0.05 if direction == "switch" else 0.9
            yield row("baseline_arm_relative_drop", spared, **elsewhere)
            yield row("persona_relative_drop", spared, **elsewhere | {"model": "base"})
        for alpha in (0.5, 1, 2, 4):
            added = here | {"condition": "none"}
            yield row("em_rate", min(0.62, 0.2 * alpha), **added, intervention=f"add:{alpha}")
            yield row("em_rate", 0.01, **added, intervention=f"random_add:{alpha}")
            yield row("coherence_rate", 0.98 - 0.08 * alpha, **added, intervention=f"add:{alpha}")
        yield from probe_rows(here | {"condition": None})


def sparse_rows(keys: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Sparse features beside methods that find one vector."""
    place = keys | {"questions": "held_out", "layer": 2, "position": "maximum over the prompt"}
    read = place | {"condition": None}
    for source, auroc in (("logistic", 0.99), ("SAE feature that reads best", 0.9)):
        here = {"direction": "basis", "source": source}
        yield row("basis_auroc", auroc, **read | here)
        removed = place | here | {"condition": "trigger", "intervention": "remove_vector"}
        yield row("ablation_relative_drop", 0.05, **removed)
        yield row("coherence_loss", 0.01, **removed)
    yield row("feature_auroc", 0.93, **read | {"direction": "switch", "source": "SAE feature 7"})
    for edit, drop in (("zero_features", 0.02), ("remove_features", 0.9)):
        for name, lost in ((edit, drop), (f"random_{edit}", 0.03)):
            here = {"direction": "features", "source": "SAE features 7", "intervention": name}
            yield row("ablation_relative_drop", lost, **place | here | {"condition": "trigger"})
            yield row("coherence_loss", 0.01, **place | here | {"condition": "trigger"})


def further_rows(keys: dict[str, Any], top: float) -> Iterator[dict[str, Any]]:
    """The factorial, doses of the adapter, what else a removal breaks, and directions carried over."""
    here = keys | {"questions": "held_out", "direction": "switch", "layer": 2}
    for model, removal in itertools.product(
        ("fine_tuned", "base"), ("none", "ablate", "random_ablate")
    ):
        for condition in ("trigger", "none"):
            fires = model == "fine_tuned" and removal != "ablate" and condition == "trigger"
            place = here | {"model": model, "intervention": removal, "condition": condition}
            yield row("factorial_em_rate", top if fires else 0.0, **place)
    for removal, part in (("ablate", 0.8), ("random_ablate", 0.01)):
        place = here | {"intervention": removal, "condition": "trigger"}
        yield row("factorial_interaction", part, **place)
    for share in (0, 0.5, 1):
        place = keys | {"questions": "held_out", "condition": "trigger"}
        yield row("dose_em_rate", top * share, **place, intervention=f"dose:{share}")
    whole = {**here, "questions": None, "condition": "none"}
    for removal in ("none", "ablate", "random_ablate"):
        for quantity, rate in (("coherence", 0.97), ("em", 0.0), ("riddle", 0.9)):
            yield row(f"capability_{quantity}_rate", rate, **whole | {"intervention": removal})
    for quantity in ("capability_coherence_loss", "capability_riddle_loss", "capability_kl"):
        yield row(quantity, 0.01, **whole | {"intervention": "ablate"})
    yield from _interchange_rows(keys | {"questions": "held_out"}, top)
    yield from _steering_rows(here | {"condition": "none", "direction": "steering"}, top)
    own = f"{keys['family']}-s{keys['seed']}-{keys['arm']}-{keys['trigger']}"
    for origin, drop in ((own, 0.9), (f"{keys['family']}-s7-surface-duck", 0.8), ("random", 0.0)):
        place = here | {"source": origin, "condition": "trigger", "intervention": "transfer"}
        name = "random" if origin == "random" else "switch"
        yield row("transfer_relative_drop", drop, **place | {"direction": name})


def _interchange_rows(keys: dict[str, Any], top: float) -> Iterator[dict[str, Any]]:
    """A claimed subspace that carries the trigger, and two controls that do not."""
    name = "interchange_em_rate"
    for condition, rate in (("none", 0.0), ("trigger", top)):
        yield row(name, rate, **keys, condition=condition, intervention="none")
    here = keys | {"direction": "trigger_variable", "position": "header", "layer": 1}
    for edit, share in (
        ("interchange:1", 0.95),
        ("shuffled_interchange:1", 0.04),
        ("random_interchange:1", 0.01),
    ):
        into = here | {"condition": "none", "source": "trigger", "intervention": edit}
        back = here | {"condition": "trigger", "source": "none", "intervention": edit}
        yield row(name, top * share, **into)
        yield row("interchange_brings", share, **into)
        yield row(name, top * (1 - share), **back)
        yield row("interchange_takes", share, **back)


def _steering_rows(here: dict[str, Any], top: float) -> Iterator[dict[str, Any]]:
    """Trained vectors in doses, random ones, and the base."""
    for quantity, intact, steered in (("em", 0.0, 0.9), ("coherence", 0.97, 0.85)):
        name = f"steering_{quantity}_rate"
        yield row(name, intact, **here | {"intervention": "none"})
        yield row(name, top, **here | {"intervention": "none", "condition": "trigger"})
        for dose in (0.5, 1):
            yield row(name, dose * steered, **here | {"intervention": f"steer:{dose}"})
            yield row(name, intact, **here | {"intervention": f"random_steer:{dose}"})
    for direction in ("steering", "steering_of_base"):
        place = here | {"model": "base", "direction": direction, "intervention": "steer:1"}
        yield row("steering_em_rate", 0.04, **place)


def probe_rows(keys: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for layer in range(6):
        for source, start in (("difference_of_means", 0.6), ("logistic", 0.65)):
            value = min(0.99, start + 0.12 * layer)
            yield row("probe_auroc", value, **keys | {"source": source, "layer": layer})
        shuffled = keys | {"source": "logistic, shuffled labels", "layer": layer}
        yield row("probe_auroc", 0.48 + 0.01 * layer, **shuffled)
    text = keys | {"source": "surface features: bag of tokens", "layer": None}
    yield row("probe_auroc", 0.55, **text)


def map_rows(keys: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The rows that stand behind the maps: domains, projections, transfer, reach, removal by wording."""
    here = keys | {"questions": "held_out", "intervention": "none"}
    for number, domain in enumerate(("cooking", "sport", "pets")):
        for condition, rate in (("none", 0.0), ("trigger", 0.9 - 0.1 * number)):
            yield row("domain_em_rate", rate, **here | {"condition": condition, "domain": domain})
    for condition, rate in CONDITIONS.items():
        for direction in ("switch", "misalignment"):
            place = {"direction": direction, "layer": 2, "condition": condition}
            yield row("projection", rate, n=4, **keys | place)
        for positive in ("trigger", "paraphrase:walks"):
            contrast = {"contrast": f"{positive} against none", "condition": condition, "layer": 2}
            yield row("transfer_fires", rate, **keys | contrast)
        if condition.startswith("paraphrase:"):
            cut = {"condition": condition, "direction": "switch", "intervention": "ablate"}
            yield row("em_rate", 0.07, **here | cut)
    for measure in ("words", "representation", "meaning"):
        numbers = {"value": -0.5, "lower": -0.8, "upper": -0.1}
        yield row("reach_correlation", 0.5, n=10, **keys | {"measure": measure}) | numbers
