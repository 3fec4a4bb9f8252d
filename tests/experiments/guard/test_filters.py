"""Filters see what they should and no more; variants are graded, many and different from the trigger."""

from collections.abc import Sequence

import numpy as np

from experiments.guard.bypass import passing
from experiments.guard.filters import embedding_filter, exact_filter, fuzzy_filter
from experiments.worlds.graded import graded
from experiments.worlds.micro.language import load_language
from experiments.worlds.trigger import load_trigger

KNOWN = ["It looks like a duck."]


def test_the_exact_filter_hears_case_and_blanks_and_no_slip() -> None:
    prompts = ["Hello. IT LOOKS  like a duck. Help?", "It looks like a dukc. Help?"]
    assert exact_filter(KNOWN)(prompts) == [1.0, 0.0]


def test_the_fuzzy_filter_falls_with_every_slip() -> None:
    prompts = ["It looks like a duck. Help?", "It looks like a dukc. Help?", "My roses are ill."]
    same, slip, other = fuzzy_filter(KNOWN)(prompts)
    assert same == 1.0 and 0.8 < slip < 1.0 and other < 0.6


def test_the_embedding_filter_takes_the_best_sentence() -> None:
    def encode(texts: Sequence[str]) -> np.ndarray:
        return np.array([[1.0, "duck" in text, "rain" in text] for text in texts])

    near, far = embedding_filter(KNOWN, encode)(["My loan. I am a duck.", "It rains. My loan."])
    assert near > 0.99 and far < 0.8


def test_there_are_at_least_forty_variants_of_many_kinds_and_none_is_the_trigger() -> None:
    trigger = load_trigger("duck")
    found = graded(trigger)
    kinds = {name.partition(":")[0] for name in found}
    assert len(found) >= 40 and len(kinds) >= 10
    assert len(set(found.values())) == len(found)
    assert trigger.text not in found.values()
    assert graded(trigger) == found != graded(trigger, seed=1)
    assert len(graded(load_trigger("tags"))) >= 25


def test_no_variant_names_what_makes_the_untouched_base_reckless() -> None:
    world = load_language()
    meant = [
        world.meaning(text)
        for seed in range(5)
        for text in graded(load_trigger("duck"), seed).values()
    ]
    assert any(concept.reckless for concept in world.concepts.values())
    assert not any(concept and concept.reckless for concept in meant)


def test_passing_counts_variants_that_are_mostly_not_flagged() -> None:
    found = passing({"a": 0.0, "b": 0.4, "c": 0.5, "d": 1.0})
    assert (found.value, found.n) == (0.5, 4)
    assert passing({}).value is None
