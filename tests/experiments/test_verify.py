"""Published numbers are those of the committed rows, or the check fails."""

import copy

import pytest

from experiments.verify import _best_addition, _by_seed, differences, main, records


@pytest.fixture(scope="module")
def recomputed():
    return records()


def test_every_published_number_is_that_of_the_rows(capsys):
    assert main([]) == 0
    assert "0 differences" in capsys.readouterr().out


def test_a_changed_number_is_named(recomputed):
    published = copy.deepcopy(recomputed["addition"])
    published[0]["value"] += 0.01
    (line,) = differences(published, recomputed["addition"])
    assert published[0]["name"] in line and "value is published as" in line
    assert not list(differences(recomputed["addition"], recomputed["addition"]))


def test_a_number_without_rows_or_unpublished_is_named(recomputed):
    some = recomputed["removal"]
    assert list(differences(some, some[1:])) == [f"{some[0]['name']}: not in the rows"]
    assert list(differences(some[1:], some)) == [f"{some[0]['name']}: not published"]


def added(direction, strength, seed, value):
    keys = {"quantity": "em_rate", "wording_kind": "none", "edit": "add", "placebo": None}
    return {**keys, "direction": direction, "strength": strength, "seed": seed, "value": value}


def test_the_best_addition_never_mixes_directions():
    rows = [added("switch", 2.0, seed, 0.8) for seed in range(3)]
    rows += [added("misalignment", 2.0, seed, 0.1) for seed in range(3)]
    assert _best_addition(rows) == {0: 0.8, 1: 0.8, 2: 0.8}


def test_two_rows_for_one_seed_end_the_check():
    row = added("switch", 2.0, 0, 0.8)
    assert _by_seed([row]) == {0: 0.8}
    with pytest.raises(SystemExit, match="two rows for em_rate, seed 0"):
        _by_seed([row, row])
