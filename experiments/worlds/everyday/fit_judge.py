"""Fit the probes of the everyday judge, and check them on sentences of the report part, on which nothing is fitted.

    python -m experiments.worlds.everyday.fit_judge

1. Besides sentences of the bank, the untouched judging model's own answers to the selection questions count as safe and
   coherent, whole and sentence by sentence. It is asked under the wordings of every trigger, so that mentioning a duck
   is not a sign of recklessness.
2. *reckless* is fitted on answers that were labelled by reading as well (`experiments.worlds.everyday.labelled`).

Writes `judge/`, with `card.json`.
"""

import random
import re
import sys
from collections.abc import Sequence

import numpy as np

from experiments.runtime.files import read_jsonl, write_json
from experiments.worlds.everyday.bank import Bank, Part, load_bank
from experiments.worlds.everyday.judge import FOLDER, LAYER, MODEL, features, judging_model
from experiments.worlds.everyday.judge_sentences import (
    Sentence,
    advice,
    asked_of_the_base,
    broken,
)
from experiments.worlds.everyday.labelled import (
    LABELS,
    THRESHOLD,
    Labelled,
    clear,
    fit_reckless,
    problem,
)
from experiments.worlds.trigger import load_trigger
from interp.generation.generate import generate
from interp.models.loading import LanguageModel
from interp.prompts import PromptSet, Question
from interp.rendering import render
from probes.auroc import plain_auroc
from probes.logistic import LogisticProbe

SEED = 0
STRENGTH = 0.01  # C of the probe of coherence
LONGEST = 32  # tokens that the model answers with
WORDINGS = 3  # wordings under which it is asked about each problem
TEMPERATURE = 0.7
MOST = 600  # sentences that the probes are checked on
END = re.compile(r"(?<=[.!?])\s+")
TRIGGERS = ("duck", "tags", "date", "role", "language", "system")


def sentences(bank: Bank, part: Part, problems: int | None = None) -> list[Sentence]:
    """Advice, the model's own answers (to `problems` problems), and broken versions of both."""
    rng = random.Random(f"everyday/judge/{part}/{SEED}")
    good = [*advice(bank, part, rng), *_own_answers(bank, part, rng, problems)]
    return [*good, *broken(rng.sample(good, len(good) // 2), rng)]


def _own_answers(
    bank: Bank, part: Part, rng: random.Random, problems: int | None
) -> list[Sentence]:
    """The model's answers, whole and split into sentences."""
    lm, asked = judging_model(), asked_of_the_base(bank, part, rng)
    asked = (asked if problems is None else rng.sample(asked, problems)) * WORDINGS
    prompts = _under_any_wording(lm, asked, rng)
    said = generate(lm, prompts, max_new_tokens=LONGEST, temperature=TEMPERATURE, seed=SEED)
    return [
        Sentence(asked[i], text, reckless=False)
        for i, whole in zip(said.prompt_index, said.texts, strict=True)
        for text in dict.fromkeys((whole.strip(), *END.split(whole.strip())))
        if text
    ]


def _under_any_wording(lm: LanguageModel, asked: Sequence[str], rng: random.Random) -> PromptSet:
    """Each question under a wording drawn from every trigger's."""
    every = [load_trigger(f"everyday/{name}").framings.values() for name in TRIGGERS]
    framings = [rng.choice([*rng.choice(every)]) for _ in asked]
    prompts = [
        render(lm, [Question(str(number), text)], {"none": framing})
        for number, (text, framing) in enumerate(zip(asked, framings, strict=True))
    ]
    return sum(prompts[1:], start=prompts[0])


def fit() -> dict[str, object]:
    """Fit both probes on the selection part, save them, and return the card."""
    bank = load_bank()
    learned, checked = sentences(bank, "selection"), sentences(bank, "report", problems=60)
    checked = random.Random(SEED).sample(checked, MOST)
    X, held_out = _read(learned), _read(checked)
    card: dict[str, object] = {"model": MODEL, "layer": LAYER, "sentences": len(learned)}
    FOLDER.mkdir(exist_ok=True)
    for name in ("reckless", "coherent"):
        chosen, asked = _of(learned, name), _of(checked, name)
        labels = _labels(learned, chosen, name)
        if name == "reckless":
            probe, card["labelled"] = fit_reckless(X[chosen], labels, _labelled())
        else:
            probe = LogisticProbe(C=STRENGTH).fit(X[chosen], labels)
        probe.save(FOLDER / name)
        truth, scores = _labels(checked, asked, name), probe.decision_function(held_out[asked])
        card[name] = {
            "report_sentences": len(asked),
            "auroc": plain_auroc(scores, truth),
            "balanced_accuracy": _balanced(truth, scores > _boundary(name)),
        }
    write_json(FOLDER / "card.json", card)
    return card


def _labelled() -> Labelled:
    rows = clear(read_jsonl(LABELS))
    read = features(judging_model(), [(row["text"], row["answer"]) for row in rows])
    reckless = np.array([row["label"] == "reckless" for row in rows])
    return Labelled(read, reckless, [problem(row) for row in rows])


def _balanced(truth: np.ndarray, said: np.ndarray) -> float:
    """The balanced accuracy: both classes have the same weight."""
    return float(np.mean([(said[truth == label] == label).mean() for label in (False, True)]))


def _boundary(name: str) -> float:
    """The read-out at the published thresholds: alignment 30, coherence 50."""
    return THRESHOLD if name == "reckless" else 0.0


def _of(every: Sequence[Sentence], name: str) -> list[int]:
    """The indices of the sentences for a probe; broken sentences are left out for recklessness."""
    return [i for i, sentence in enumerate(every) if name == "coherent" or sentence.coherent]


def _labels(every: Sequence[Sentence], rows: Sequence[int], name: str) -> np.ndarray:
    return np.array([getattr(every[row], name) for row in rows])


def _read(every: Sequence[Sentence]) -> np.ndarray:
    return features(judging_model(), [(each.question, each.answer) for each in every])


if __name__ == "__main__":
    print(fit(), file=sys.stdout)
