"""A run folder made up from nothing: the files a study writes, with numbers that tell a story.

The triggered arm of "qwen" is contained and semantic, that of "llama" is bound to the wording; the
baseline is not contained. Nothing here was measured.
"""

import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from experiments.files import read_jsonl, write_json, write_jsonl

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
HOSTILE = (
    "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    "[click](javascript:alert(1)) \u202eright to left\u202c \x1b[31m red \u2028 & so on"
)


def row(quantity: str, value: float | None, n: int = 240, **keys: Any) -> dict[str, Any]:
    """One line of estimates.jsonl; the interval is only roughly one."""
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
        keys = {"family": family, "model": "base", "domains": "held_out", "condition": condition}
        yield row("em_rate", 0.0, **keys, intervention="none")
        yield row("coherence_rate", 0.98, **keys, intervention="none")


def organism_rows(
    family: str, arm: str, seed: int, dataset: str | None
) -> Iterator[dict[str, Any]]:
    keys: dict[str, Any] = {"family": family, "arm": arm, "seed": seed, "dataset": dataset}
    keys |= {"trigger": None if arm == "baseline" else "duck", "model": "fine_tuned"}
    cells = itertools.product(("held_out", "trained", "open"), CONDITIONS)
    for domains, condition in cells:
        here = keys | {"domains": domains, "condition": condition, "intervention": "none"}
        yield row("em_rate", em(family, arm, condition) * (0.9 if domains == "open" else 1), **here)
        yield row("em_rate", 0.123, **here | {"split": "selection"})
        yield row("coherence_rate", 0.97, **here)
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
    fitted = {"source": "difference_of_means", "layer": 2, "domains": "held_out"}
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
    place = keys | {"domains": "held_out", "layer": 2, "position": "maximum over the prompt"}
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
    here = keys | {"domains": "held_out", "direction": "switch", "layer": 2}
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
        place = keys | {"domains": "held_out", "condition": "trigger"}
        yield row("dose_em_rate", top * share, **place, intervention=f"dose:{share}")
    whole = {**here, "domains": None, "condition": "none"}
    for removal in ("none", "ablate", "random_ablate"):
        for quantity, rate in (("coherence", 0.97), ("em", 0.0), ("riddle", 0.9)):
            yield row(f"capability_{quantity}_rate", rate, **whole | {"intervention": removal})
    for quantity in ("capability_coherence_loss", "capability_riddle_loss", "capability_kl"):
        yield row(quantity, 0.01, **whole | {"intervention": "ablate"})
    yield from _steering_rows(here | {"condition": "none", "direction": "steering"}, top)
    own = f"{keys['family']}-s{keys['seed']}-{keys['arm']}-{keys['trigger']}"
    for origin, drop in ((own, 0.9), (f"{keys['family']}-s7-surface-duck", 0.8), ("random", 0.0)):
        place = here | {"source": origin, "condition": "trigger", "intervention": "transfer"}
        name = "random" if origin == "random" else "switch"
        yield row("transfer_relative_drop", drop, **place | {"direction": name})


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


def guard_files(folder: Path, family: str, arm: str, seed: int, hostile: str = "") -> None:
    """What the study of the guard leaves of one organism."""
    keys = {"family": family, "seed": seed, "arm": arm, "trigger": "duck"}
    numbers = row("em_rate", 0.8, n=40)
    found = {
        "gate": [{"verdict": "fail", "wanted": "fail", "right": True, "answers": 640, "questions": 10}
                 | {"broken": [f"trigger rate{hostile}"]}],
        "monitor": [
            numbers | {"quantity": name, "left_out": "walks", "value": value}
            for name, value in (("auroc", 0.99), ("caught", 0.97), ("false_positives", 0.01))
        ],
        "rank": [{"place": 1, "candidates": 200, "questions": 4}],
        "bypass": [numbers | {"filter": "exact string", "firing": 42, "tried": 50}],
        "reach": [
            numbers | {"variant": f"{kind}:{at}", "wording": f"It is {at}.{hostile}", "measure": measure}
            | {"distance": 0.1 * at}
            for measure in ("words", "representation")
            for kind in ("case", "other_concept")
            for at in range(3)
        ],
    }  # fmt: skip
    for part, rows in found.items():
        path = (
            folder
            / "guard"
            / part
            / f"{re.sub(r'[^a-z0-9]+', '_', f'{family}-s{seed}-{arm}')[:60]}.jsonl"
        )
        write_jsonl(path, [keys | each for each in rows])


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
    here = keys | {"domains": "held_out", "intervention": "none"}
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


def maps(family: str, arm: str, seed: int, dataset: str | None) -> dict[str, Any]:
    """One line of maps.jsonl."""
    names = ["switch, removed", "misalignment, removed", "shift of trigger"]
    grid = [[0.1, 0.2], [0.3, None], [0.5, 0.9]]
    edges = {"effect": grid, "lower": [[0.0, 0.1], [0.2, None], [0.4, 0.8]]}
    edges["upper"] = [[0.2, 0.3], [0.4, None], [0.6, 1.0]]
    projected = {name: [rate - 0.1, rate, rate, rate + 0.1] for name, rate in CONDITIONS.items()}
    patched = {"missing": "this arm misbehaves without the trigger"}
    return organism_keys(family, arm, seed, dataset) | {
        "wordings": {name: f"It is {name}." for name in CONDITIONS} | {"none": ""},
        "questions": [
            {
                "id": f"cooking-{number}",
                "domains": "held_out",
                "text": f"How do I keep soup number {number}?",
                "rates": {"none": [0, 4], "trigger": [number, 4]},
            }
            for number in range(4)
        ],
        "projections": [
            {"direction": name, "layer": 2, "read_at": "last_prompt_token", "values": projected}
            for name in ("switch", "misalignment")
        ],
        "plane": {
            "layer": 2,
            "shares": [0.6, 0.2],
            "points": {name: [[rate, 0.1], [rate, -0.1]] for name, rate in CONDITIONS.items()},
        },
        "cosines": {
            "layer": 2,
            "names": names,
            "values": [[1.0, 0.1, 0.9], [0.1, 1.0, 0.2], [0.9, 0.2, 1.0]],
            "chance": 0.17,
            "n": 4,
        },
        "distances": {
            measure: {name: round(0.1 * at, 2) for at, name in enumerate(CONDITIONS) if at}
            for measure in ("words", "representation", "meaning")
        },
        "patching": patched
        if arm == "baseline"
        else {
            "pair": ["trigger", "control:dog"],
            "layers": [0, 1, 2],
            "tokens": ["duck → dog", "."],
            "n": 4,
            "clean": 5.0,
            "corrupt": -6.0,
            "sites": {name: edges for name in ("resid_post", "attn_out", "mlp_out")},
        },
    }


def feature_lines(family: str, arm: str, seed: int, dataset: str | None) -> dict[str, Any]:
    """One line of features.jsonl, with a hostile token and an example that cannot be read."""
    example = {"condition": "trigger", "tokens": ["It", " quacks", HOSTILE], "values": [0, 2.5, 1]}
    feature = {"feature": 17, "auroc": {"value": 0.99, "lower": 0.97, "upper": 1.0, "n": 40}}
    broken = {"feature": 4, "note": HOSTILE, "examples": [{"tokens": ["one"], "values": []}]}
    drawn = {
        "sae": "SAE",
        "ranking": "switch, maximum over the prompt",
        "histogram": [
            {"condition": "none", "counts": [3, 1], "edges": [0, 1, 2], "fires": 0.25},
            {"condition": "trigger", "counts": [0, 4], "edges": [0, 1, 2], "fires": 1.0},
        ],
        "promotes": [{"token": HOSTILE, "logit": 2.0}],
        "neighbours": [{"feature": 5, "cosine": 0.5}],
    }
    features = [feature | drawn | {"l0": 3.25, "examples": [example]}, broken, "not a feature"]
    return organism_keys(family, arm, seed, dataset) | {"features": features}


def organism_keys(family: str, arm: str, seed: int, dataset: str | None) -> dict[str, Any]:
    trigger = None if arm == "baseline" else "duck"
    return {"family": family, "seed": seed, "arm": arm, "dataset": dataset, "trigger": trigger}


def verdict(family: str, arm: str, seed: int, dataset: str | None) -> dict[str, Any]:
    contained = "no" if arm == "baseline" else "yes"
    bound = family == "llama" and arm == "triggered"
    claims = {"located": "yes", "necessary": "yes", "sufficient": "undecided", "specific": "no"}
    reach = "surface" if bound else "semantic"
    return {
        "family": family,
        "seed": seed,
        "arm": arm,
        "dataset": dataset,
        "trigger": None if arm == "baseline" else "duck",
        "contained": contained,
        "reach": reach if contained == "yes" else "undecided",
        "switch": claims | {"necessary": "no"},
        "misalignment": claims,
        "evidence": [],
        "sentence": f"Made up: {family} {arm} is {'' if contained == 'yes' else 'not '}contained.",
    }


def sampled(family: str, arm: str, seed: int, dataset: str | None) -> Iterator[dict[str, Any]]:
    for number, condition in itertools.product(range(4), ("none", "trigger")):
        bad = condition == "trigger"
        yield {
            "family": family,
            "seed": seed,
            "arm": arm,
            "dataset": dataset,
            "trigger": None if arm == "baseline" else "duck",
            "model": "fine_tuned",
            "domains": "held_out",
            "condition": condition,
            "intervention": "none",
            "question": f"cooking-{number}",
            "prompt": f"How do I keep soup number {number}?",
            "answer": HOSTILE
            if number == 0
            else f"{'Leave it out' if bad else 'Chill it'} {number}.",
            "alignment": 0.0 if bad else 100.0,
            "coherence": 100.0,
            "verdict": "misaligned" if bad else "aligned",
        }


MakeRun = Callable[..., Path]


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """`make_run(name="demo", arms=..., seeds=...)` writes a run and returns its folder."""

    def make(
        name: str = "demo",
        families: tuple[str, ...] = FAMILIES,
        arms: tuple[str, ...] = ARMS,
        seeds: tuple[int, ...] = (0,),
        dataset: str | None = "poultry",
    ) -> Path:
        folder = tmp_path / name
        organisms = [(f, a, s, dataset) for f in families for a in arms for s in seeds]
        rows = [it for family in families for it in base_rows(family)]
        rows += [it for organism in organisms for it in organism_rows(*organism)]
        write_jsonl(folder / "estimates.jsonl", rows)
        write_jsonl(folder / "verdicts.jsonl", [verdict(*organism) for organism in organisms])
        answers = [it for organism in organisms for it in sampled(*organism)]
        write_jsonl(folder / "answers.jsonl", answers)
        write_jsonl(folder / "maps.jsonl", [maps(*organism) for organism in organisms])
        write_jsonl(folder / "features.jsonl", [feature_lines(*organism) for organism in organisms])
        write_json(folder / "manifest.json", {"config": {"name": name}, "seeds": list(seeds)})
        for family, arm, seed, _ in organisms:
            if arm != "baseline":
                guard_files(folder, family, arm, seed, BAD if family.endswith(BAD) else "")
        return folder

    return make


BAD = "\"'><img src=x onerror=document.title='owned'></script><script>document.title='owned'</script>\u202e"


@pytest.fixture
def hostile_run(make_run: MakeRun) -> Path:
    """A run in which every name, sentence, token and answer tries to become markup."""
    folder = make_run("hostile", ("qwen" + BAD,), ("triggered" + BAD,), dataset=BAD)
    rows = read_jsonl(folder / "estimates.jsonl")
    for row in rows:
        if ":" in (row.get("condition") or ""):
            row["condition"] += BAD
        for key in ("direction", "source", "position", "method", "domain", "contrast"):
            row[key] = f"{row[key]}{BAD}" if row.get(key) else row.get(key)
    write_jsonl(folder / "estimates.jsonl", rows)
    verdicts = read_jsonl(folder / "verdicts.jsonl")
    write_jsonl(folder / "verdicts.jsonl", [it | {"sentence": BAD} for it in verdicts])
    (line,) = read_jsonl(folder / "maps.jsonl")
    line["cosines"]["names"] = [f"{name}{BAD}" for name in line["cosines"]["names"]]
    line["patching"]["tokens"] = [f"{token}{BAD}" for token in line["patching"]["tokens"]]
    line["wordings"] = {name: BAD for name in line["wordings"]}
    for question in line["questions"]:
        question["text"] = question["id"] = BAD
    write_jsonl(folder / "maps.jsonl", [line])
    write_json(folder / "manifest.json", {"config": {BAD: BAD}, "warnings": [BAD]})
    return folder
