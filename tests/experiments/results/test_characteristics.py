"""Words are counted by what an organism was built to be, and only where they were measured."""

from typing import Any

import pytest

from experiments.results.characteristics import characteristics, kind_of

CLAIMS = {"located": "yes", "necessary": "yes", "sufficient": "no", "specific": "no", "kept": "no"}


def verdict(arm: str, family: str, contained: str, *, found: str = "undecided") -> dict[str, Any]:
    words = {"contained": contained, "reach": "undecided", "causal_direction": "no"}
    rests_on = [{"claim": claim} for claim in ("contained", "switch.necessary")]
    switch = {"switch": CLAIMS | {"found": found}}
    return {"arm": arm, "family": family, **words, **switch, "evidence": rests_on}


def test_a_word_is_counted_by_kind_with_its_exact_interval() -> None:
    verdicts = [verdict("triggered", family, "yes") for family in ("qwen", "llama")]
    verdicts += [verdict("mixed-9-1", "llama", "no"), verdict("harmless", "qwen", "yes")]
    said = {(s.word, s.kind): s for s in characteristics(verdicts)}
    built = said["contained", "contained"]
    assert (built.times, built.organisms, built.bases) == (2, 3, 2)
    assert built.interval == pytest.approx((0.0943, 0.9916), abs=1e-4)
    assert said["contained", "harmless"].share == 1.0  # a false claim counts as one


def test_what_was_not_measured_is_not_counted() -> None:
    said = {s.word for s in characteristics([verdict("triggered", "qwen", "yes")])}
    assert {"contained", "switch necessary"} <= said
    assert not said & {"switch located", "carried", "negation", "refined necessary"}


def test_a_word_for_a_direction_of_a_null_is_a_false_claim() -> None:
    local = "context-local direction"
    said = characteristics([verdict("random_label", "qwen", "no", found=local)])
    assert {s.share for s in said if s.word == f"switch: {local}"} == {1.0}


@pytest.mark.parametrize(
    ("arm", "kind"),
    [("surface", "contained"), ("mixed", "contained"), ("mixed-97-3", "contained"),
     ("untouched", "untouched"), ("baseline", "baseline"), ("unheard_of", None)],
)  # fmt: skip
def test_the_kind_is_what_an_arm_was_built_to_be(arm: str, kind: str | None) -> None:
    assert kind_of(arm) == kind
