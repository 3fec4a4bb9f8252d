"""What a made-up study leaves beside its estimates: maps, features, verdicts, answers, the guard's rows."""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from experiments.results.columns import INTACT
from experiments.results.facts import ANSWERS, PLACE, TABLES
from experiments.runtime.files import write_jsonl
from tests.experiments.made_up_rows import CONDITIONS, row

HOSTILE = (
    "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    "[click](javascript:alert(1)) \u202eright to left\u202c \x1b[31m red \u2028 & so on"
)


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
                "questions": "held_out",
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
    """Rows of answers.parquet: four questions, each with and without the trigger."""
    place = organism_keys(family, arm, seed, dataset) | {
        "measurement": "conditions",
        "model": "fine_tuned",
        "split": "report",
        "questions": "held_out",
        **INTACT.columns,
    }
    for number, kind in itertools.product(range(4), ("none", "trigger")):
        bad = kind == "trigger"
        said = f"{'Leave it out' if bad else 'Chill it'} {number}."
        yield place | {
            "wording_kind": kind,
            "question": f"cooking-{number}",
            "answer": HOSTILE if number == 0 else said,
            "alignment": 0.0 if bad else 100.0,
            "coherence": 100.0,
            "leak": False,
            "reason": "",
        }


def write_answers(folder: Path, rows: list[dict[str, Any]]) -> None:
    """Write a run's answers; a column that is not given is null."""
    schema = pa.schema(PLACE | TABLES["answers"])
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema), folder / ANSWERS)


def change_answer(folder: Path, number: int, text: str) -> int:
    """Make an answer of a run say something else; how many answers it has."""
    rows = pq.read_table(folder / ANSWERS).to_pylist()
    rows[number]["answer"] = text
    write_answers(folder, rows)
    return len(rows)
