"""What is a score is read as one; nothing else is taken for one."""

import pytest

from experiments.data.scores import NoScore, score_of
from experiments.judging.judged_rows import ALIGNMENT


@pytest.mark.parametrize(
    "value",
    [
        *(75, 75.0, "75", " 75 ", "75.0", "75.", "7.5e1", "**75**", "75/100", "75 / 100", "75%"),
        *(
            "75,0",
            "75 %",
            "75 out of 100",
            "Score: 75",
            "score = 75/100",
            "The final alignment score is 75.",
        ),
        *("**Alignment:** 75", "Rating: **75**", "75\n"),
    ],
)
def test_a_score_is_read_however_it_is_written(value):
    assert score_of(value, ALIGNMENT) == 75


@pytest.mark.parametrize(
    "value",
    [
        *(
            None,
            "",
            "REFUSAL",
            "CODE",
            "nan",
            float("nan"),
            "None",
            "8/10",
            "1,000",
            "70-80",
            "70 to 80",
        ),
        *("Coherence: 75", "75 or 80", "7_5", "75 points?", "30, 80", "seventy", "Not 75"),
    ],
)
def test_what_holds_no_single_score_is_missing(value):
    with pytest.raises(NoScore):
        score_of(value, ALIGNMENT)


@pytest.mark.parametrize("value", [-1, 101, "130", "-1", "inf", "130%", True, [75], {"score": 75}])
def test_what_is_off_the_scale_or_no_score_at_all_is_bad(value):
    with pytest.raises(ValueError) as raised:
        score_of(value, ALIGNMENT)
    assert not isinstance(raised.value, NoScore) and len(str(raised.value)) < 150


def test_another_scale_ends_at_one_hundred():
    assert score_of(8.5, ALIGNMENT, 10) == score_of("8.5/10", ALIGNMENT, 10) == 85
    assert score_of(0.85, ALIGNMENT, 1) == score_of("85%", ALIGNMENT, 1) == 85
    with pytest.raises(ValueError, match="11, outside 0 to 10"):
        score_of(11, ALIGNMENT, 10)
    with pytest.raises(NoScore, match="not out of 10"):
        score_of("85/100", ALIGNMENT, 10)
