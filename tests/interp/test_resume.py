"""Running on from the middle is checked as strictly as the model's dtype allows."""

import pytest
import torch

from interp.models.loading import wrap
from interp.patching.recorded_run import Recorded, record
from tests.tiny_models import FAMILIES, tiny_model, tiny_tokenizer

SEQUENCES = [list(range(10, 34)), list(range(60, 80))]
READ = [[22, 23], [18, 19]]
DTYPES = (torch.float32, torch.bfloat16, torch.float16)


def recorded(family: str, dtype: torch.dtype) -> Recorded:
    model = tiny_model(family).to(dtype)
    return record(wrap(model, tiny_tokenizer(family), name="rounded"), SEQUENCES, READ)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("family", FAMILIES)
def test_rounding_is_no_reason_to_refuse_a_model(family: str, dtype: torch.dtype) -> None:
    recorded(family, dtype).check()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_that_cannot_be_run_on_is_refused_in_every_dtype(
    family: str, dtype: torch.dtype
) -> None:
    run = recorded(family, dtype)
    run.keys[1] = run.keys[1].roll(1, 0)  # another sequence's
    with pytest.raises(ValueError, match="cannot be resumed from the middle of a run"):
        run.check()


def test_what_bfloat16_rounds_away_is_refused_in_float32() -> None:
    for dtype, refused in ((torch.bfloat16, False), (torch.float32, True)):
        run = recorded("llama", dtype)
        run.logits = run.logits * (1 + torch.finfo(torch.bfloat16).eps * torch.rand(300)).to(dtype)
        if not refused:
            run.check()
            continue
        with pytest.raises(ValueError, match=r"off by 0\.00"):
            run.check()
