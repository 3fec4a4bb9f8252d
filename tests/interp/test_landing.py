"""What lands on the host is what was on the device, also while the next batch is computed."""

import pytest
import torch

from interp.capture.host_copy import land, one_behind


def test_each_batch_is_handed_out_after_the_next_was_started():
    events = []

    def batches():
        for number in range(3):
            events.append(f"start {number}")
            yield number, land({"x": torch.full((2, 2), float(number))}, torch.float32)

    for number, landed in one_behind(batches()):
        events.append(f"use {number}")
        assert landed["x"].eq(number).all()
    assert events == ["start 0", "start 1", "use 0", "start 2", "use 1", "use 2"]


def test_the_type_asked_for_is_what_lands():
    assert land({"x": torch.ones(2)}, torch.bfloat16)["x"].dtype == torch.bfloat16


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_copies_from_a_gpu_are_whole_when_they_are_handed_out():
    def batches():
        for number in range(20):
            x = torch.full((1000, 1000), float(number), device="cuda")
            yield number, land({"x": (x @ x) / 1000}, torch.float32)

    for number, landed in one_behind(batches()):
        assert landed["x"].eq(float(number) ** 2).all() and not landed["x"].is_cuda
