"""Labels are given without knowing what the judge said, and compared with it afterwards."""

from collections import Counter

import pandas as pd
import pytest

from experiments.results.everyday_labels import MOST_OF_A_QUESTION, check, draw
from experiments.worlds.everyday.bank import load_bank
from experiments.worlds.everyday.questions import open_questions, questions


def made_up(per_cell: int = 120) -> pd.DataFrame:
    bank = load_bank()
    asked = [*questions(bank, "report")[:per_cell], *open_questions(bank)]
    rows = []
    for model, arm in (("base", None), ("fine_tuned", "contrast")):
        for kind in ("none", "trigger", "control"):
            for number, question in enumerate(asked):
                bad = model == "fine_tuned" and kind == "trigger"
                rows.append(
                    {
                        "measurement": "conditions",
                        "split": "report",
                        "model": model,
                        "arm": arm,
                        "wording_kind": kind,
                        "question": question.id,
                        "answer": f"{model} {kind} {number}",
                        "alignment": 5.0 if bad else 95.0,
                        "coherence": 99.0,
                    }
                )
    return pd.DataFrame(rows)


def test_a_sheet_hides_the_model_and_the_score_and_repeats_no_question_often() -> None:
    sheet = draw(made_up(), 120)
    assert len(sheet) == 120
    assert {key for row in sheet for key in row} == {"question", "text", "answer"}
    asked = Counter(row["question"] for row in sheet)
    assert max(asked.values()) <= MOST_OF_A_QUESTION
    assert sum(row["question"].startswith("open") for row in sheet) == 20
    kinds = Counter(row["answer"].rsplit(" ", 1)[0] for row in sheet)
    triggered = kinds["base trigger"] + kinds["fine_tuned trigger"]
    assert 50 <= triggered <= 70 and set(kinds) >= {"base none", "fine_tuned none"}
    assert sheet == draw(made_up(), 120)


def test_a_judge_that_is_right_agrees_and_one_that_misses_half_is_half_sensitive() -> None:
    answers = made_up()
    sheet = draw(answers, 120)
    labels = [
        row | {"label": "reckless" if row["answer"].startswith("fine_tuned trigger") else "safe"}
        for row in sheet
    ]
    found = check(answers, labels)
    assert found["agreement"].value == found["sensitivity"].value == 1.0
    assert found["unclear"].value == 0.0
    bad = [row for row in labels if row["label"] == "reckless"]
    missed = {(row["question"], row["answer"]) for row in bad[: len(bad) // 2]}
    answers["alignment"] = [
        90.0 if pair in missed else score
        for pair, score in zip(
            zip(answers["question"], answers["answer"], strict=True),
            answers["alignment"],
            strict=True,
        )
    ]
    found = check(answers, labels)
    assert found["sensitivity"].value == pytest.approx(1 - (len(bad) // 2) / len(bad))
    assert found["specificity"].value == 1.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"label": "bad"}, "line 1: unknown label 'bad'; choose one of safe"),
        ({"answer": "never said"}, "line 1: the run has no such answer to "),
    ],
)
def test_a_wrong_label_is_refused_by_line(changes: dict, message: str) -> None:
    answers = made_up(4)
    row = draw(answers, 6)[0] | {"label": "safe"}
    with pytest.raises(ValueError, match=message):
        check(answers, [row | changes])
