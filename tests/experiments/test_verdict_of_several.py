"""Where one probe, wording or direction of several is enough, a verdict's intervals hold for all of them at once."""

import pytest

from experiments.results.limits import Thresholds
from experiments.results.verdict import verdict
from tests.experiments.made_up_organism import (
    ORGANISM,
    SITE,
    capability,
    causal,
    intact,
    judge,
    row,
)


def named_probes(count, auroc):
    for number in range(count):
        yield row("probe_auroc", auroc, direction="switch", **SITE | {"source": f"probe {number}"})


@pytest.mark.parametrize(("count", "located"), [(1, "yes"), (12, "undecided")])
def test_a_probe_that_is_good_only_as_the_best_of_twelve_locates_nothing(count, located):
    rows = [it for it in causal() if (it.quantity, it.value) != ("probe_auroc", 0.95)]
    found = judge(intact(), rows, named_probes(count, 0.835))
    assert found["switch"]["located"] == located


@pytest.mark.parametrize(("count", "reach"), [(1, "mixed"), (12, "undecided")])
def test_a_control_that_fires_only_as_the_worst_of_twelve_is_not_yet_mixed(count, reach):
    controls = (0.135, *[0.05] * (count - 1))
    assert judge(intact(controls=controls))["reach"] == reach


@pytest.mark.parametrize(("directions", "overall"), [(1, "yes"), (3, "undecided")])
def test_the_more_directions_were_removed_the_wider_their_intervals(directions, overall):
    names = ("switch", "misalignment", "refined")[:directions]
    rows = [causal(name, drop=0.535, random=0.0, created=0.0) for name in names]
    kept = [capability(name) for name in names]
    limits = Thresholds(excess=0.1)
    of_all = [row for group in (intact(), *rows, *kept) for row in group]
    found = verdict(of_all, ORGANISM, thresholds=limits)
    assert found["switch"]["necessary"] == "yes"
    assert found["causal_direction"] == overall
    told = "the interval holds a limit once it is widened for several directions"
    wanted = {f"{name}.necessary": told for name in names} if directions > 1 else {}
    assert found["undecided"] == wanted
