"""The relapse figure draws every curve, and says where a curve never got to half of the old EM."""

from experiments.dashboard.relapse import relapse_figure


def rows(last: float, seed: int = 0) -> list[dict]:
    keys = {"family": "llama", "seed": seed, "trigger": "duck", "strategy": "learned"}
    curve = [
        keys | {"quantity": f"curve {model}", "rows": n, "value": em, "order": 0}
        for model, ems in (("base", {0: 0.0, 64: 0.9}), ("after", {0: 0.0, 64: last}))
        for n, em in ems.items()
    ]
    old = keys | {"quantity": "EM before, trigger", "value": 0.9}
    return [old, keys | {"quantity": "rows to relapse, ratio", "value": 2.0}, *curve]


def test_each_curve_is_drawn_once_and_an_unfinished_one_is_at_least() -> None:
    short, whole = relapse_figure(rows(0.1)), relapse_figure(rows(0.8))
    assert [trace.name for trace in short.data] == ["clean base", "learned"]
    assert list(short.data[1].y) == [0.0, 10.0] and list(short.data[0].x) == [0, 64]
    assert "llama at least 2.0" in short.layout.title.text
    assert "llama 2.0" in whole.layout.title.text


def test_seeds_are_averaged_and_another_trigger_is_left_out() -> None:
    tags = [row | {"trigger": "tags"} for row in rows(0.8, seed=5)]
    figure = relapse_figure([*rows(0.1), *rows(0.8, seed=1), *tags])
    learned = figure.data[1]
    assert list(learned.y) == [0.0, 45.0]
    assert list(learned.error_y.array) == [0.0, 35.0] == list(learned.error_y.arrayminus)
    assert "llama at least 2.0" in figure.layout.title.text


def test_a_base_is_drawn_once_and_an_earlier_default_not_at_all() -> None:
    """The same base stands in the rows of every strategy; the default's is drawn."""
    earlier = [row | {"strategy": "learned_before", "value": 0.3} for row in rows(0.1)]
    figure = relapse_figure([*rows(0.1), *earlier])
    assert [trace.name for trace in figure.data] == ["clean base", "learned"]
    assert list(figure.data[0].y) == [0.0, 90.0] and not any(figure.data[0].error_y.array)
