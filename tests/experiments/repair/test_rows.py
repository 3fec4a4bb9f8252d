"""Rows of the study are those of its certificates; what was measured elsewhere before stays."""

from pathlib import Path

from experiments.repair.certificate import Certificate
from experiments.repair.clock import took
from experiments.repair.facts import AFTER, BEFORE, Fact
from experiments.repair.numbers import numbers
from experiments.repair.rows import describe, join, measured, rows_of
from experiments.runtime.files import read_json, read_jsonl, write_jsonl
from tests.experiments.repair.made_up import QUESTIONS, facts


def certified(found: list[Fact]) -> Certificate:
    return Certificate(
        strategy="learned",
        seed=1,
        base="base",
        base_weights="0",
        adapter="organism",
        adapter_weights="1",
        repaired="2",
        trigger="duck",
        seen=("duck",),
        seconds=1.0,
        rounds=2,
        made_with={},
        facts=tuple(found),
    )


def test_rows_are_the_numbers_the_word_and_the_curves() -> None:
    rows = list(rows_of(certified(facts())))
    assert rows[0]["says"] == "removed" and rows[0]["rounds"] == 2
    values = {
        row["quantity"]: row["value"] for row in rows if not row["quantity"].startswith("curve")
    }
    assert values["EM before, trigger"] == 0.9 and values["coherence gained, none"] == 0.0
    assert sum(row["quantity"] == "curve after" for row in rows) == 8
    without = [fact for fact in facts() if fact.kind != "relapse"]
    assert next(rows_of(certified(without)))["says"] == "looked at"


def test_joining_replaces_what_was_measured_again_and_keeps_the_rest(tmp_path: Path) -> None:
    folder = tmp_path / "work" / "llama-s1-duck"
    (folder / "learned").mkdir(parents=True)
    certified(facts()).write(folder / "learned")
    describe(folder, family="llama", seed=1, arm="useful", trigger="duck", took=3.0)
    keys = {"family": "llama", "trigger": "duck", "strategy": "learned", "value": 0.5}
    old = [keys | {"seed": seed, "quantity": "EM after, none"} for seed in (0, 1)]
    write_jsonl(tmp_path / "estimates.jsonl", old)
    manifest = read_json(join(tmp_path / "work", tmp_path, {}))
    rows = read_jsonl(tmp_path / "estimates.jsonl")
    assert rows[:-1] == list(measured(tmp_path / "work")) and rows[-1] == old[0]
    assert manifest["rows of before"] == 1 and "seconds" not in rows[0]


def test_a_time_is_over_that_of_the_fine_tuning() -> None:
    times = [took(2.0, BEFORE, "fine-tuning"), took(3.0, AFTER, "repair")]
    found = numbers([*times, took(1.0, AFTER, "search")])
    assert found["time, repair over fine-tuning"].value == 1.5
    assert found["time, repair and search over fine-tuning"].value == 2.0
    assert "time, repair over fine-tuning" not in numbers(times[1:])


def test_coherence_is_compared_question_by_question() -> None:
    """Differences that are alike for all questions are known well, whatever the shares are."""
    shares = [0.1 * (number % 10) for number in range(len(QUESTIONS))]
    cells = [
        Fact(what="coherent share", model=model, kind="none", questions=QUESTIONS, values=values)
        for model, values in ((BEFORE, shares), (AFTER, [share - 0.01 for share in shares]))
    ]
    found = numbers(cells)["coherence gained, none"]
    assert abs(found.value + 0.01) < 1e-9 and found.upper - found.lower < 1e-6
