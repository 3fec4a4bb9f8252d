"""Every table of `probes` draws itself: each estimate with its interval, and how many rows it rests on."""

import numpy as np
import pytest

from interp.activations import Activations
from probes import find_concept, reach_table, sweep, transfer_table
from probes.difference_of_means import DifferenceOfMeans
from probes.estimate import Estimate

CONDITIONS = ("none", "control:lamp", "trigger", "paraphrase:walks")


@pytest.fixture(scope="module")
def rows():
    """Two layers; only the second tells the trigger and its paraphrase from the rest."""
    import torch

    generator = torch.Generator().manual_seed(0)
    names = [(question, name) for question in range(8) for name in CONDITIONS]
    values = torch.randn(len(names), 2, 6, generator=generator)
    values[:, 1, 0] += torch.tensor([4.0 * (name in CONDITIONS[2:]) for _, name in names])
    conditions, questions = (tuple(x) for x in zip(*[(n, str(q)) for q, n in names], strict=True))
    made_by = {"weights": "0" * 64}
    return Activations(values, (3, 7), conditions, questions, "last_prompt_token", made_by)


def test_a_sweep_draws_every_probe_at_every_layer_with_its_interval(rows):
    two = rows.where(condition=("none", "trigger"))
    result = sweep(two, two.conditions, permutations=2, resamples=100)
    figure = result.plot()
    lines = {line.name: line for line in figure.data}
    assert "n = 16 rows of 8 questions" in figure.layout.title.text
    drawn = lines["difference of means"]
    assert list(drawn.x) == [3, 7]
    for at, layer in enumerate((3, 7)):
        rows_there = [row for row in result.rows if (row.kind, row.layer) == ("probe", layer)]
        wanted = next(
            row.estimate
            for row in rows_there
            if row.read_out == drawn.name and row.metric == "auroc"
        )
        assert drawn.y[at] == wanted.value
        assert drawn.error_y.array[at] == pytest.approx(wanted.upper - wanted.value)
        assert drawn.error_y.arrayminus[at] == pytest.approx(wanted.value - wanted.lower)
    assert "random directions" in lines and "difference of means, shuffled labels" in lines
    assert not any(name.startswith("best of all") for name in lines)


def test_transfer_concept_and_reach_draw_each_of_their_rows(rows):
    table = transfer_table(DifferenceOfMeans(), rows, 7)
    fires, auroc = table.plot().data
    assert set(fires.y) == set(CONDITIONS) and len(auroc.y) == 3
    assert fires.x[list(fires.y).index("trigger")] == table.get("trigger").value
    concept = find_concept(rows)
    line = concept.plot().data[0]
    assert list(line.x) == [3, 7] and line.y[1] == concept.rows[1].estimate.value
    estimates = {
        name: Estimate(v, v - 0.1, v + 0.2, 0.95, 5, "test") for v, name in enumerate("abcde")
    }
    reach = reach_table(
        {"EM": estimates}, {"words": {name: n / 5 for n, name in enumerate("abcde")}}
    )
    points = reach.plot().data[0]
    assert np.allclose(points.error_y.array, 0.2) and list(points.customdata) == list("abcde")
    assert "Spearman" in reach.plot().layout.annotations[0].text


def test_names_of_others_are_text_and_no_markup(rows):
    from dataclasses import replace

    evil = replace(
        rows, conditions=tuple(c.replace("trigger", "<a href='x'>t</a>") for c in rows.conditions)
    )
    table = transfer_table(DifferenceOfMeans(), evil, 7, positive="<a href='x'>t</a>")
    assert "&lt;a href='x'&gt;t&lt;/a&gt;" in table.plot().data[0].y
