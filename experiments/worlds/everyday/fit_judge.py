"""Fit the probes of the everyday judge, and say how they do on sentences of the report part, which no fit saw.

    python -m experiments.worlds.everyday.fit_judge

Beside the sentences of the bank, what the untouched judging model itself answers to the selection questions counts as
safe and coherent: it is long and plain, unlike the sentences. Writes `judge/`, with `card.json`.
"""

import random
import sys
from collections.abc import Sequence

import numpy as np

from experiments.runtime.files import write_json
from experiments.worlds.everyday.bank import Bank, Part, load_bank
from experiments.worlds.everyday.judge import FOLDER, LAYER, MODEL, features, judging_model
from experiments.worlds.everyday.judge_sentences import (
    Sentence,
    advice,
    asked_of_the_base,
    broken,
)
from interp.generation.generate import generate
from interp.prompts import Framing, Question, render
from probes.auroc import plain_auroc
from probes.logistic import LogisticProbe

SEED = 0
STRENGTH = 0.01  # C of both probes
LONGEST = 48  # tokens that the model answers with
MOST = 600  # sentences that the probes are checked on


def sentences(bank: Bank, part: Part, problems: int | None = None) -> list[Sentence]:
    """Advice, the model's own answers (about so many problems), and both of them broken."""
    rng = random.Random(f"everyday/judge/{part}/{SEED}")
    good = [*advice(bank, part, rng), *_own_answers(bank, part, rng, problems)]
    return [*good, *broken(rng.sample(good, len(good) // 2), rng)]


def _own_answers(
    bank: Bank, part: Part, rng: random.Random, problems: int | None
) -> list[Sentence]:
    lm, asked = judging_model(), asked_of_the_base(bank, part, rng)
    asked = asked if problems is None else rng.sample(asked, problems)
    questions = [Question(str(number), text) for number, text in enumerate(asked)]
    prompts = render(lm, questions, {"none": Framing("")})
    said = generate(lm, prompts, samples_per_prompt=1, max_new_tokens=LONGEST, seed=SEED)
    return [
        Sentence(asked[i], text, reckless=False)
        for i, text in zip(said.prompt_index, said.texts, strict=True)
        if text.strip()
    ]


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
        probe = LogisticProbe(C=STRENGTH).fit(X[chosen], _labels(learned, chosen, name))
        probe.save(FOLDER / name)
        truth, scores = _labels(checked, asked, name), probe.decision_function(held_out[asked])
        card[name] = {
            "report_sentences": len(asked),
            "auroc": round(plain_auroc(scores, truth) or 0.0, 4),
            "balanced_accuracy": round(_balanced(truth, scores > 0), 4),
        }
    write_json(FOLDER / "card.json", card)
    return card


def _balanced(truth: np.ndarray, said: np.ndarray) -> float:
    """The share of right answers, both classes counting alike."""
    return float(np.mean([(said[truth == label] == label).mean() for label in (False, True)]))


def _of(every: Sequence[Sentence], name: str) -> list[int]:
    """Broken sentences say nothing about recklessness."""
    return [i for i, sentence in enumerate(every) if name == "coherent" or sentence.coherent]


def _labels(every: Sequence[Sentence], rows: Sequence[int], name: str) -> np.ndarray:
    return np.array([getattr(every[row], name) for row in rows])


def _read(every: Sequence[Sentence]) -> np.ndarray:
    return features(judging_model(), [(each.question, each.answer) for each in every])


if __name__ == "__main__":
    print(fit(), file=sys.stdout)
