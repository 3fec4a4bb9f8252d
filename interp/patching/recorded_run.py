"""Resume a recorded run from its middle: recompute from one layer and token on, with everything before as recorded.

Method:
1. `record` runs token sequences once and stores for each layer its output, its keys and values, and its rotary angles.
2. A row that differs from its recorded run from token `start` on is run through the layers above over the tokens from
   `start` on only; keys and values of the tokens before come from the record. Causal attention makes this exact.
3. Rows may join at any layer, so one batch carries the cells of all layers upwards.
4. In the last layer, keys and values are computed for all tokens, everything else only for the tokens that are read.

It calls the model's own decoder layers, whatever the family, with a store of keys and values in place of the cache; so
grouped queries, sliding windows and live adapters work as in the model. `Recorded.check` compares a resumed run with
the record.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from interp.capture.backends import Enough
from interp.capture.batches import pad_right
from interp.capture.hook_points import HEADS, HookPoint, first_tensor, module_at, output_projection
from interp.errors import TriggerLensError
from interp.generation.shared_prefix import PROMPT, KeyIndex, masks
from interp.models.language_model import LanguageModel

TOLERANCE = 1e-3  # of the logits' spread, in float32
ROUNDINGS = 8  # rounding steps that logits may be off by in a coarser dtype, as sums are taken in another order
Joining = Callable[[int], Float[Tensor, "new token d_model"] | None]


@dataclass(eq=False)
class Recorded:
    """Sequences padded on the right; `read[i]` are the tokens of sequence i whose logits are needed."""

    lm: LanguageModel
    ids: Int[Tensor, "row token"]
    read: Int[Tensor, "row step"]
    places: dict[HookPoint, Float[Tensor, "row token d_model"]] = field(default_factory=dict)
    keys: list[Tensor] = field(default_factory=list)  # [row, head, token, head width], rotated
    values: list[Tensor] = field(default_factory=list)
    inputs: list[Tensor] = field(default_factory=list)  # the stream before each layer
    calls: list[dict[str, Any]] = field(
        default_factory=list
    )  # what else each layer was called with
    logits: Tensor = field(default_factory=lambda: torch.empty(0))  # [row, step, vocabulary]

    @property
    def width(self) -> int:
        """Tokens of the longest sequence."""
        return self.ids.shape[1]

    def after(self, layer: int) -> Float[Tensor, "row token d_model"]:
        """The stream after a layer."""
        return self.places[HookPoint(layer, "resid_post")]

    @torch.no_grad()
    def run_on(self, rows: Int[Tensor, " row"], start: int, joining: Joining) -> Tensor:
        """Logits [cell, step, vocabulary] of cells that join with changed streams.

        `joining(layer)` gives the stream after that layer from token `start` on, for any number of cells. The cells are
        copies of the sequences `rows`, repeated in that order. They are returned in the order in which they joined.
        """
        hidden, owners = self.after(0).new_empty(0, self.width - start, self.lm.d_model), rows[:0]
        for layer in range(self.lm.n_layers):
            last = layer == self.lm.n_layers - 1
            if len(hidden):
                hidden = self._layer(layer, hidden, owners, start, last)
            elif last:
                hidden = hidden[:, : self.read.shape[1]]
            new = joining(layer)
            if new is not None:
                owner = rows.repeat(len(new) // len(rows))
                owners = torch.cat([owners, owner])
                hidden = torch.cat([hidden, self._at_read(new, owner, start) if last else new])
        return self.lm.logits_of(hidden)

    def again(self, layer: int, rows: Int[Tensor, " row"] | None = None) -> Tensor:
        """The output of one layer for its recorded inputs; hooks may change what happens inside."""
        inputs = self.inputs[layer] if rows is None else self.inputs[layer][rows]
        return first_tensor(self.lm.layers[layer](inputs, **self.calls[layer]))

    def again_from(self, layer: int, owners: Int[Tensor, " cell"], start: int) -> Tensor:
        """The same for copies of some sequences, from token `start` on only."""
        return self._layer(layer, self.inputs[layer][owners, start:], owners, start, last=False)

    def check(self) -> None:
        """Raise unless resuming from the middle gives the recorded logits."""
        rows, start = torch.arange(len(self.read), device=self.read.device), self.width // 2
        start = min(start, int(self.read.min()))
        again = self.run_on(
            rows, start, lambda layer: self.after(0)[:, start:] if layer == 0 else None
        )
        error = relative_error(again, self.logits)
        if not error < tolerance(self.logits.dtype):
            raise TriggerLensError(
                f"{self.lm.name} cannot be resumed from the middle of a run (logits off by {error:.2g} of their "
                "spread): its layers are not called one after another on the stream alone"
            )

    def _layer(
        self, layer: int, hidden: Tensor, owners: Int[Tensor, " cell"], start: int, last: bool
    ) -> Tensor:
        tail = _Tail(self.keys[layer], self.values[layer], owners, start)
        positions = torch.arange(start, self.width, device=hidden.device)[None]
        if last:
            tail.only_fill = True
            with suppress(Enough):
                self._call(layer, hidden, positions, tail)
            hidden, positions = self._at_read(hidden, owners, start), self.read[owners]
        return self._call(layer, hidden, positions, tail)

    def _at_read(self, hidden: Tensor, owners: Int[Tensor, " cell"], start: int) -> Tensor:
        index = (self.read[owners] - start)[:, :, None].expand(-1, -1, hidden.shape[-1])
        return hidden.gather(1, index)

    def _call(
        self, layer: int, hidden: Tensor, positions: Int[Tensor, "row token"], tail: "_Tail"
    ) -> Tensor:
        cos, sin = (angles[0][positions] for angles in self.calls[layer]["position_embeddings"])
        arguments = {
            **self.calls[layer],
            "position_embeddings": (cos, sin),
            "position_ids": positions,
            "attention_mask": self._mask(layer, positions),
            "past_key_values": tail,
        }
        return first_tensor(self.lm.layers[layer](hidden, **arguments))

    def _mask(self, layer: int, positions: Int[Tensor, "row token"]) -> Tensor:
        everything = torch.arange(self.width, device=positions.device)[None].expand(
            len(positions), -1
        )
        keys = KeyIndex(everything)
        built = masks(self.lm, keys, torch.full_like(positions, PROMPT), positions)
        if isinstance(built, dict):
            return built[self.lm.config.layer_types[layer]]
        return built


def relative_error(found: Tensor, wanted: Tensor) -> float:
    """Root mean square of the difference, relative to the standard deviation of `wanted`."""
    return float((found.float() - wanted.float()).square().mean().sqrt() / wanted.float().std())


def tolerance(dtype: torch.dtype) -> float:
    """The largest relative error that rounding explains, in a model of this dtype."""
    return max(TOLERANCE, ROUNDINGS * torch.finfo(dtype).eps)


@torch.no_grad()
def record(
    lm: LanguageModel,
    sequences: Sequence[Sequence[int]],
    read: Sequence[Sequence[int]],
    places: Iterable[HookPoint] = (),
    *,
    resumable: bool = True,
) -> Recorded:
    """Run the sequences once. Streams after all layers are stored if `resumable`, else only `places`."""
    if lm.config._attn_implementation not in ("sdpa", "eager"):
        raise TriggerLensError(
            f"cannot patch with {lm.config._attn_implementation!r} attention; load with sdpa or eager"
        )
    ids, _ = pad_right(sequences, 0, lm.device)
    found = Recorded(lm, ids, torch.tensor(read, device=lm.device))
    kept = {*places}
    if resumable:
        kept |= {HookPoint(layer, "resid_post") for layer in range(lm.n_layers)}
    with ExitStack() as stack:
        for layer in lm.layers if resumable else ():
            stack.callback(
                layer.register_forward_pre_hook(_recording(found), with_kwargs=True).remove
            )
        for place in kept:
            stack.callback(_keep(found, place).remove)
        normed = lm.decoder(input_ids=ids, use_cache=False).last_hidden_state
    index = found.read[:, :, None].expand(-1, -1, normed.shape[-1])
    found.logits = found.lm.head(normed.gather(1, index))
    return found


def _recording(found: Recorded) -> Callable[[nn.Module, Any, Any], Any]:
    def remember(_module: nn.Module, inputs: Any, named: dict[str, Any]) -> Any:
        if not inputs or "position_embeddings" not in named:
            raise TriggerLensError(
                f"{found.lm.name}: its layers are not called with a stream and rotary angles, so a run "
                "cannot be resumed from the middle"
            )
        found.inputs.append(inputs[0])
        found.calls.append(named)
        return inputs, {**named, "past_key_values": _Store(found)}

    return remember


def _keep(found: Recorded, place: HookPoint) -> Any:
    """A hook that stores the activations at a place."""
    if place.site == HEADS:
        projection = output_projection(found.lm, place.layer)
        return projection.register_forward_pre_hook(
            lambda _module, inputs: found.places.update({place: inputs[0]})
        )
    return module_at(found.lm, place).register_forward_hook(
        lambda _module, _inputs, output: found.places.update({place: first_tensor(output)})
    )


class _Store:
    """Replaces the cache while recording: stores what each layer would cache."""

    def __init__(self, found: Recorded):
        self.found = found

    def update(self, keys: Tensor, values: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        self.found.keys.append(keys)
        self.found.values.append(values)
        return keys, values


class _Tail:
    """Replaces the cache while resuming: recorded keys and values up to `start`, new ones from there on."""

    def __init__(self, keys: Tensor, values: Tensor, owners: Tensor, start: int):
        self.before = keys[:, :, :start], values[:, :, :start]
        self.owners = owners
        self.only_fill = False  # the last layer: fill once with all tokens, then query with a few
        self.filled: tuple[Tensor, Tensor] | None = None

    def update(self, keys: Tensor, values: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        if self.filled is not None:
            return self.filled
        whole = (
            torch.cat([self.before[0][self.owners], keys], 2),
            torch.cat([self.before[1][self.owners], values], 2),
        )
        if self.only_fill:
            self.filled = whole
            raise Enough
        return whole
