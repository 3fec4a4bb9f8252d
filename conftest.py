"""Annotations are checked at the least price; tests that need a GPU say so when they are skipped."""

import jaxtyping
import pytest
from run_shapes import checked

jaxtyping.jaxtyped = checked  # before the import hook decorates anything


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if not marked:
        return
    import torch  # late: the tests of borders and documents do without

    if not torch.cuda.is_available():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device, and there is none"))
