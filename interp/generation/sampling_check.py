"""Check, once for each model, that `interp.generation.decoding` can sample from it correctly.

Method: a few answers to two prompts of different length are sampled, two side by side for each prompt, and the logits
of every step are compared with those of one plain forward pass over prompt and answer.

What happens beyond a dozen tokens, such as attention windows, is not tested; only their layer types are checked.
"""

from weakref import WeakSet

import torch
from jaxtyping import Float
from torch import Tensor

from interp.capture.batches import Batch
from interp.errors import TriggerLensError
from interp.generation.decoding import Decoding, Plan
from interp.generation.shared_beginnings import Stage
from interp.models.contract import same_logits
from interp.models.language_model import LanguageModel
from interp.prompts import Prompt

LENGTHS = (9, 4)
STOPS = (2, 8)  # the prompts are read in two passes, as if they shared a beginning
PLAN = Plan(samples=2, steps=3, temperature=1.0, top_p=1.0, end_ids=())
_checked: WeakSet[LanguageModel] = WeakSet()


class _Recorded(Decoding):
    """Keeps the logits of every step."""

    def _forward(self, *inputs: Tensor) -> Float[Tensor, "row slot vocabulary"]:
        logits = super()._forward(*inputs)
        self.steps = [*getattr(self, "steps", []), logits]
        return logits


@torch.inference_mode()
def check_sampling(lm: LanguageModel) -> None:
    """Raise unless decoding over a shared prefix gives the model's own logits."""
    if lm in _checked:
        return
    what = f"{lm.name}: cannot sample from {type(lm.causal).__name__}"
    if getattr(lm.causal, "_is_stateful", False):
        raise TriggerLensError(
            f"{what}: it keeps a recurrent state, which samples cannot share; activations can be read"
        )
    kinds = set(getattr(lm.config, "layer_types", None) or [])
    if unknown := kinds - {"full_attention", "sliding_attention"}:
        raise TriggerLensError(f"{what}: layers of type {sorted(unknown)} are not supported")
    try:
        error = _error(lm)
    except (TypeError, IndexError, KeyError, AttributeError, RuntimeError) as cause:
        raise TriggerLensError(
            f"{what}: it does not accept a cache or positions ({cause})"
        ) from cause
    if error:
        raise TriggerLensError(f"{what}: shared-prefix decoding does not give its own logits")
    _checked.add(lm)


def _error(lm: LanguageModel) -> bool:
    generator = torch.Generator().manual_seed(0)
    ids = [
        torch.randint(0, lm.config.vocab_size, (n,), generator=generator).tolist() for n in LENGTHS
    ]
    prompts = [Prompt("", tuple(row), "", str(number)) for number, row in enumerate(ids)]
    index = torch.arange(len(ids), device=lm.device)
    batch = Batch(index, index.new_empty(len(ids), 0), prompts)
    noise = torch.rand(len(ids), PLAN.samples, PLAN.steps, generator=generator).to(lm.device)
    both = torch.arange(len(ids), device=lm.device)
    stages = [Stage(stop, both, both) for stop in STOPS]
    decoding = _Recorded(lm, batch, noise, PLAN, stages)
    answers = decoding.run()
    dtype = next(lm.causal.parameters()).dtype
    return any(
        not same_logits(_sampled(decoding, row, slot), _read(lm, ids[row], answer), dtype)
        for row, of_prompt in enumerate(answers)
        for slot, (answer, _) in enumerate(of_prompt)
    )


def _sampled(decoding: _Recorded, row: int, slot: int) -> Float[Tensor, "step vocabulary"]:
    first, *later = decoding.steps
    return torch.stack([first[row, 0], *(logits[row, slot] for logits in later)])


def _read(
    lm: LanguageModel, prompt: list[int], answer: list[int]
) -> Float[Tensor, "step vocabulary"]:
    whole = torch.tensor([prompt + answer[:-1]], device=lm.device)
    return lm.causal(input_ids=whole, use_cache=False).logits[0, len(prompt) - 1 :]
