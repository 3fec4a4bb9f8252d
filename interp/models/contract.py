"""What the rest of the package relies on, checked when a model is loaded.

1. Weights and logits are finite, and every token of the tokenizer has an embedding.
2. `LanguageModel.head` of what the final norm returns gives the model's own logits.
3. Each decoder layer's hook fires, its output is as wide as `d_model` says, and editing one row of it changes that
   row's logits and no other row's.
"""

from functools import partial

import torch
from jaxtyping import Int
from torch import Tensor

from interp.capture.sites import hooked
from interp.errors import TriggerLensError
from interp.models.language_model import LanguageModel


@torch.inference_mode()
def check_contract(lm: LanguageModel) -> None:
    """Raise unless each layer's output is the residual stream and editing it affects what it should and no more."""
    _check_vocabulary(lm)
    _check_weights(lm)
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(0, lm.config.vocab_size, (2, 3), generator=generator).to(lm.device)
    lm.layers  # noqa: B018 (raises if there are none)
    intact = lm.causal(ids).logits
    _check_finite(lm, ids, intact)
    _check_head(lm, ids, intact)
    for layer in range(lm.n_layers):
        seen: list[int] = []

        def nudge_second_row(hidden: Tensor, seen: list[int] = seen) -> Tensor:
            seen.append(hidden.shape[-1])
            nudged = hidden.clone()
            noise = torch.randn(nudged[1].shape, generator=torch.Generator().manual_seed(1))
            # as large as the stream itself: in bfloat16 a nudge of 1 vanishes beside a dimension of 1000
            nudged[1] += (noise * hidden[1].float().std().cpu()).to(hidden)
            return nudged

        with hooked(lm, {layer: nudge_second_row}):
            edited = lm.causal(ids).logits
        _check_site(lm, layer, seen, intact, edited)


def same_logits(a: Tensor, b: Tensor, dtype: torch.dtype) -> bool:
    """Whether logits agree up to rounding in this dtype: to the square root of its precision."""
    scale = max(float(b.abs().max()), 1.0)
    return float((a.float() - b.float()).abs().max()) <= scale * torch.finfo(dtype).eps ** 0.5


def _check_vocabulary(lm: LanguageModel) -> None:
    rows = lm.causal.get_input_embeddings().weight.shape[0]
    beyond = {name: id_ for name, id_ in lm.tokenizer.get_vocab().items() if id_ >= rows}
    # padding is never read; some tokenizer classes add an unknown token that byte-level text never contains
    for name in (lm.tokenizer.pad_token, lm.tokenizer.unk_token):
        beyond.pop(name, None)
    if beyond:
        name = min(beyond, key=lambda token: beyond[token])
        raise TriggerLensError(
            f"{lm.name}: {len(beyond)} tokens of the tokenizer have no row among the {rows} embeddings, first {name!r}"
            f" (id {beyond[name]}); load the tokenizer that belongs to these weights"
        )


def _check_weights(lm: LanguageModel) -> None:
    for name, weight in lm.model.named_parameters():
        if not weight.is_floating_point() or weight.itemsize < 2 or not weight.numel():
            continue
        least, most = weight.aminmax()
        if not bool(torch.isfinite(least) & torch.isfinite(most)):
            hint = _narrow(weight.dtype) or "its file is damaged; save or download it again"
            raise TriggerLensError(
                f"{lm.name}: weight {name} holds NaN or infinite numbers; {hint}"
            )


def _check_finite(lm: LanguageModel, ids: Int[Tensor, "row token"], logits: Tensor) -> None:
    if bool(logits.isfinite().all()):
        return
    places: list[int] = []

    def note(layer: int, hidden: Tensor) -> None:
        if not bool(hidden.isfinite().all()):
            places.append(layer)

    with hooked(lm, {n: partial(note, n) for n in range(lm.n_layers)}):
        lm.causal(ids)
    where = f"after layer {places[0]}" if places else "in the logits"
    dtype = next(lm.causal.parameters()).dtype
    hint = _narrow(dtype) or "its weights are too large for any forward pass"
    raise TriggerLensError(f"{lm.name}: activations overflow in {dtype}, first {where}; {hint}")


def _narrow(dtype: torch.dtype) -> str | None:
    return "load it in bfloat16 or float32" if dtype == torch.float16 else None


def _check_head(lm: LanguageModel, ids: Int[Tensor, "row token"], logits: Tensor) -> None:
    normed = lm.decoder(input_ids=ids, use_cache=False).last_hidden_state
    if not same_logits(lm.head(normed), logits, logits.dtype):
        raise TriggerLensError(
            f"{lm.name}: {type(lm.causal).__name__} does not compute its logits from its decoder's output alone, so log"
            " probabilities cannot be read from it"
        )


def _check_site(
    lm: LanguageModel, layer: int, seen: list[int], intact: Tensor, edited: Tensor
) -> None:
    place = f"{lm.name}, layer {layer}"
    if seen != [lm.d_model]:
        raise TriggerLensError(f"{place}: hook saw widths {seen}, expected one of {lm.d_model}")
    if torch.equal(intact[1], edited[1]):
        raise TriggerLensError(f"{place}: editing its output does not change the logits")
    if not same_logits(intact[0], edited[0], next(lm.causal.parameters()).dtype):
        raise TriggerLensError(f"{place}: editing one row changes another row's logits")
