"""Growth is a slope of logarithms, and what grows faster than its work is named in the figure."""

import pytest

from experiments.benchmarks import growth
from experiments.benchmarks.random_model import random_llama
from experiments.dashboard.growth import growth_figure

POINTS = {"sizes": [1, 2, 4], "work": [1, 2, 4], "seconds": [[1.1, 9.0, 1.2], [2.2], [4.4]]}


def test_the_slope_is_one_where_time_doubles_with_the_work():
    assert growth.slopes([1, 2, 4], [3.0, 6.0, 12.0]) == pytest.approx([1, 1])
    assert growth.slopes([1, 2, 4], [3.0, 12.0, 48.0]) == pytest.approx([2, 2])
    assert growth.slopes([1, 4], [3.0, 6.0]) == pytest.approx([0.5])


def test_time_is_held_against_work_and_memory_against_size():
    points = POINTS | {"work": [1, 4, 16], "bytes": [8192.0, 32768.0, 131072.0]}
    time, memory = growth.records("prompts, 1.5M", points)
    assert time["ratio"] == pytest.approx(0.5) and time["reached"]
    assert memory["ratio"] == pytest.approx(2) and not memory["reached"]


@pytest.mark.parametrize("axis", growth.OF_MODELS)
def test_every_axis_is_measured_on_a_tiny_model(axis, monkeypatch):
    monkeypatch.setattr(growth, "TURNS", 1)
    tiny = growth.SMALL | {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2}
    lm = random_llama(tiny)
    make = growth.OF_MODELS[axis]
    small, large = (make(lm, size) for size in ((1, 2) if axis == "layers" else (16, 32)))
    assert large.work >= 2 * small.work
    found = growth.measured({1: small, 2: large})
    assert all(len(turns) == 1 for turns in found["seconds"]) and len(found["bytes"]) == 2


def test_the_figure_says_whether_anything_grows_faster_than_its_work():
    flat, steep = POINTS | {"bytes": [9e6] * 3}, POINTS | {"bytes": [9e6, 36e6, 144e6]}
    entries = [*growth.records("prompts, 1.5M", flat), *growth.records("tokens, 34M", flat)]
    figure = growth_figure(entries)
    assert figure.layout.title.text == "Nothing grows faster than the amount of work"
    assert {trace.name for trace in figure.data} == {"1.5M", "34M", "proportional to the work"}
    shown = [trace.name for trace in figure.data if trace.showlegend]
    assert sorted(shown) == ["1.5M", "34M", "proportional to the work"]
    named = growth_figure([*entries, *growth.records("layers, 1.5M", steep)])
    assert (
        named.layout.title.text
        == "These grow faster than the amount of work:<br>memory, layers, 1.5M"
    )
