"""Read the residual stream after decoder layers, averaged over chosen tokens.

Method:
1. Sequences are sorted by length and padded on the right: causal attention needs no mask, token i is column i.
2. A hook per layer takes the mean over the chosen tokens at once, so no layer's full output outlives its layer.
3. The forward pass stops after the deepest layer asked for; the language-model head never runs.

With interventions, what is read is the stream after they edited it.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from interp.activations import Activations
from interp.batches import Batch, pad_right
from interp.completions import Completions
from interp.interventions import Intervention, intervening
from interp.language_model import LanguageModel
from interp.positions import Position, last_prompt_token, mean_answer
from interp.prompts import PromptSet, Span
from interp.sites import check_layers, hooked


@dataclass(frozen=True)
class _Sequence:
    """Tokens to read; `prompt` indexes the prompts that per-row vectors are aligned with."""

    token_ids: tuple[int, ...]
    spans: Mapping[str, Span]
    prompt: int


class _Enough(Exception):
    """The deepest layer has been read."""


def capture(
    lm: LanguageModel,
    prompts: PromptSet,
    *,
    layers: Sequence[int] | None = None,
    position: Position = last_prompt_token,
    interventions: Sequence[Intervention] = (),
    batch_rows: int = 256,
) -> Activations:
    """One vector per prompt and layer."""
    sequences = [_Sequence(p.token_ids, p.spans, row) for row, p in enumerate(prompts)]
    chosen = _layers(lm, layers)
    values = _means(lm, sequences, prompts, chosen, position, interventions, batch_rows)
    return Activations(
        values,
        chosen,
        prompts.conditions,
        prompts.questions,
        position.__name__,
        _provenance(lm, prompts, interventions),
    )


def capture_answers(
    lm: LanguageModel,
    completions: Completions,
    *,
    layers: Sequence[int] | None = None,
    position: Position = mean_answer,
    interventions: Sequence[Intervention] = (),
    batch_rows: int = 256,
) -> Activations:
    """One vector per answer and layer, reading prompt and answer again."""
    sequences = answered(completions)
    prompts, chosen = completions.prompts, _layers(lm, layers)
    values = _means(lm, sequences, prompts, chosen, position, interventions, batch_rows)
    return Activations(
        values,
        chosen,
        completions.conditions,
        completions.questions,
        position.__name__,
        _provenance(lm, prompts, interventions),
    )


@torch.inference_mode()
def residual_norms(
    lm: LanguageModel,
    prompts: PromptSet,
    *,
    layers: Sequence[int] | None = None,
    batch_rows: int = 256,
) -> dict[int, float]:
    """Median norm of the residual stream over all prompt tokens, per layer: the unit of steering strengths."""
    sequences = [_Sequence(p.token_ids, p.spans, row) for row, p in enumerate(prompts)]
    norms: dict[int, list[Tensor]] = {layer: [] for layer in _layers(lm, layers)}

    def read(layer: int, hidden: Tensor, batch: Batch, _rows: list[int]) -> None:
        norms[layer].append(hidden.float().norm(dim=-1)[batch.positions >= 0])

    _forward(lm, sequences, prompts, tuple(norms), read, (), batch_rows)
    return {layer: float(torch.cat(each).median()) for layer, each in norms.items()}


def answered(completions: Completions) -> list[_Sequence]:
    """Prompt and answer of each completion as one sequence with the span "answer"."""
    sequences = []
    for row, (index, answer) in enumerate(
        zip(completions.prompt_index, completions.token_ids, strict=True)
    ):
        if not answer:
            raise ValueError(
                f"completion {row} is empty: it has no answer tokens to read; leave it out"
            )
        prompt = completions.prompts[index]
        spans = {**prompt.spans, "answer": Span(len(prompt), len(prompt) + len(answer))}
        sequences.append(_Sequence(prompt.token_ids + answer, spans, index))
    return sequences


def _layers(lm: LanguageModel, layers: Sequence[int] | None) -> tuple[int, ...]:
    return check_layers(lm, range(lm.n_layers) if layers is None else layers)


def _provenance(
    lm: LanguageModel, prompts: PromptSet, interventions: Sequence[Intervention]
) -> dict[str, object]:
    return {
        "model": lm.name,
        "weights": lm.weights_hash,
        "prompts": prompts.content_hash,
        "interventions": [type(each).__name__ for each in interventions],
    }


@torch.inference_mode()
def _means(
    lm: LanguageModel,
    sequences: Sequence[_Sequence],
    prompts: PromptSet,
    layers: tuple[int, ...],
    position: Position,
    interventions: Sequence[Intervention],
    batch_rows: int,
) -> Float[Tensor, "row layer d_model"]:
    places = [position(len(each.token_ids), each.spans) for each in sequences]
    values = torch.zeros(len(sequences), len(layers), lm.d_model)

    def read(layer: int, hidden: Tensor, batch: Batch, rows: list[int]) -> None:
        weights = torch.zeros(hidden.shape[:2], device=hidden.device)
        for i, row in enumerate(rows):
            weights[i, list(places[row])] = 1 / len(places[row])
        means = torch.einsum("rt,rtd->rd", weights, hidden.float())
        values[rows, layers.index(layer)] = means.to(values.device)

    _forward(lm, sequences, prompts, layers, read, interventions, batch_rows)
    return values


Read = Callable[[int, Tensor, Batch, list[int]], None]


def _forward(
    lm: LanguageModel,
    sequences: Sequence[_Sequence],
    prompts: PromptSet,
    layers: tuple[int, ...],
    read: Read,
    interventions: Sequence[Intervention],
    batch_rows: int,
) -> None:
    """Run every sequence up to the deepest layer, handing each layer's output to `read` with its rows."""
    order = sorted(range(len(sequences)), key=lambda row: -len(sequences[row].token_ids))
    for start in range(0, len(order), batch_rows):
        rows = order[start : start + batch_rows]
        ids, positions = pad_right([sequences[row].token_ids for row in rows], 0, lm.device)
        prompt = torch.tensor([sequences[row].prompt for row in rows], device=lm.device)
        batch = Batch(prompt, positions, prompts.prompts)
        edits = {layer: _reader(layer, layers, read, batch, rows) for layer in layers}
        with intervening(lm, interventions, batch), hooked(lm, edits), suppress(_Enough):
            lm.decoder(input_ids=ids, use_cache=False)


def _reader(
    layer: int, layers: tuple[int, ...], read: Read, batch: Batch, rows: list[int]
) -> Callable[[Tensor], None]:
    def edit(hidden: Tensor) -> None:
        read(layer, hidden, batch, rows)
        if layer == max(layers):
            raise _Enough

    return edit
