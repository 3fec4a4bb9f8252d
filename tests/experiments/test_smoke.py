"""The smoke study takes the demo's steps: both are read from their configurations."""

from experiments.study.config import checked, load_config
from experiments.study.plan import steps_of


def test_the_smoke_study_takes_every_step_that_the_demo_takes() -> None:
    assert steps_of(load_config("smoke")) == steps_of(load_config("demo"))


def test_a_smoke_study_that_leaves_something_out_would_be_caught() -> None:
    whole = load_config("smoke").model_dump() | {"features": None}
    for change in ({}, {"measure": "behaviour"}, {"organisms": whole["organisms"][:2]}):
        assert steps_of(checked(whole | change)) != steps_of(load_config("demo"))
