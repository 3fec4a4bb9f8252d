import pytest
import torch

from interp.activations import Activations
from interp.capture.api import capture


def test_activations_come_back_from_disk_as_they_were(one_lm, some_prompts, tmp_path):
    captured = capture(one_lm, some_prompts)
    captured.save(tmp_path / "read")
    loaded = Activations.load(tmp_path / "read")
    assert torch.equal(loaded.values, captured.values)
    assert (loaded.layers, loaded.conditions, loaded.provenance) == (
        captured.layers,
        captured.conditions,
        captured.provenance,
    )


def test_rows_are_kept_by_condition_and_by_mask(one_lm, some_prompts):
    captured = capture(one_lm, some_prompts)
    triggered = captured.where(condition="trigger")
    assert set(triggered.conditions) == {"trigger"} and len(triggered) == 3
    assert torch.equal(triggered.values, captured.values[3:])
    kept = captured.where([True] * 5 + [False], condition="trigger")
    assert torch.equal(kept.values, captured.values[3:5])
    with pytest.raises(ValueError, match="the mask has 2 entries for 6 rows"):
        captured.where([True, False])


def test_parts_join_to_the_whole_and_strangers_do_not(one_lm, some_prompts):
    captured = capture(one_lm, some_prompts)
    joined = capture(one_lm, some_prompts[:2]) + capture(one_lm, some_prompts[2:])
    torch.testing.assert_close(joined.values, captured.values)
    with pytest.raises(ValueError, match="layers differ"):
        captured + capture(one_lm, some_prompts, layers=[0])


def test_an_index_that_does_not_fit_the_values_is_refused():
    with pytest.raises(ValueError, match=r"\[2 rows, 1 layers\], but there are 1 conditions"):
        Activations(torch.zeros(2, 1, 4), (0,), ("none",), ("a", "b"), "last_prompt_token")
