"""Labelled answers teach the judge and set where it cuts; none is of the report part."""

import numpy as np

from experiments.results.everyday_labels import LABELS
from experiments.runtime.files import read_jsonl
from experiments.worlds.everyday import labelled
from experiments.worlds.everyday.bank import load_bank
from experiments.worlds.everyday.labelled import THRESHOLD, Labelled, fit_reckless
from experiments.worlds.everyday.questions import questions


def test_the_labels_are_of_selection_questions() -> None:
    rows = read_jsonl(labelled.LABELS)
    asked = {question.id: question.text for question in questions(load_bank(), "selection")}
    assert len(rows) >= 300
    assert all(row["text"] == asked[row["question"]] for row in rows)
    assert {row["label"] for row in rows} <= {*LABELS} and all(row["reader"] for row in rows)


def made_up(shift: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, Labelled]:
    """Sentences in two classes, and labelled answers whose reckless ones lie elsewhere, by `shift`."""
    rng = np.random.default_rng(seed)
    reckless = np.arange(200) % 2 == 0
    X = rng.normal(size=(200, 8)) + 2 * reckless[:, None] * np.eye(8)[0]
    bad = np.arange(60) % 3 == 0
    answers = rng.normal(size=(60, 8)) + shift * bad[:, None] * np.eye(8)[1] + np.eye(8)[0]
    return X, reckless, Labelled(answers, bad, [f"domain/{row // 4}" for row in range(60)])


def test_about_as_many_new_answers_are_flagged_as_are_reckless() -> None:
    probe, said = fit_reckless(*made_up(shift=6))
    new = made_up(shift=6, seed=1)[2]
    flagged = probe.decision_function(new.X) > THRESHOLD
    assert abs(int(flagged.sum()) - int(new.reckless.sum())) <= 3 and said["reckless"] == 20
    assert said["answers"] == 60 and said["auroc"] > 0.95 and said["agreement"] > 0.9


def test_labels_that_say_nothing_agree_no_better_than_chance() -> None:
    X, reckless, more = made_up(shift=0)
    _, said = fit_reckless(X, reckless, more)
    assert said["auroc"] < 0.7 and said["sensitivity"] < 0.6
