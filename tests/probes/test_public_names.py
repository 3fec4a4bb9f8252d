"""`from probes import ...`: every public name is there, and asking for one does not load the others."""

import subprocess
import sys

import pytest

import probes


def test_every_public_name_can_be_imported():
    assert sorted(probes._HOME) == sorted(probes.__all__)
    for name in probes.__all__:
        assert getattr(probes, name).__name__ == name


def test_a_wrong_name_says_what_there_is():
    with pytest.raises(AttributeError, match=r"no 'swep'; it has .*sweep"):
        probes.swep  # noqa: B018


def test_an_interval_does_not_wait_for_torch():
    code = "import sys, probes.estimate; assert not {'torch', 'sklearn'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
