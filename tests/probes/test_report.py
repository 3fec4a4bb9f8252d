"""Where prompts say nothing about the label, the report does not boast of beating them."""

from probes import LogisticProbe, sweep
from tests.probes.planted import by_question, planted


def test_a_ceiling_at_chance_is_not_a_rival():
    X, y, groups, _ = planted(questions=20)
    for group in range(20):
        y[groups == group] = [True, False, True, False, True, False]
    probes = {"logistic": LogisticProbe()}
    report = sweep(X, y, groups, probes=probes, permutations=2, resamples=100).report()
    assert "Which prompt it is says nothing" in report and "prompt identity alone" not in report
    X, y, groups = by_question(questions=30)
    report = sweep(X, y, groups, probes=probes, permutations=2, resamples=100).report()
    assert "says nothing" not in report and "prompt identity alone" in report


def test_without_controls_the_report_says_so():
    X, y, groups, _ = planted(questions=20)
    result = sweep(X, y, groups, probes={"": LogisticProbe()}, controls=False, resamples=100)
    assert "Controls were switched off" in result.report()
    assert {row.read_out for row in result.rows if row.kind == "control"} == {"larger class"}
