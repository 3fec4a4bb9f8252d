"""Wilson's interval is the textbook's, and knows nothing of questions."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.wilson import wilson_rate


@given(st.integers(0, 60), st.integers(0, 60))
def test_it_is_the_formula_of_the_textbook(hits, misses):
    n = hits + misses
    found = wilson_rate([1] * hits + [0] * misses)
    if n == 0:
        assert found.value is None
        return
    z, p = 1.959963984540054, hits / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    assert found.lower == pytest.approx(max(0, centre - half), abs=1e-9)
    assert found.upper == pytest.approx(min(1, centre + half), abs=1e-9)
