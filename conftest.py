"""Tests that need a GPU say so when they are skipped."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    import torch  # late: collecting the tests of borders and documents needs no torch

    if not torch.cuda.is_available():
        for item in items:
            if item.get_closest_marker("gpu"):
                item.add_marker(pytest.mark.skip(reason="needs a CUDA device, and there is none"))
