"""The capture engine: takes token sequences and returns the vectors at chosen places and positions, in one pass each.

Method:
1. Sequences are sorted by length, and batches are filled up to a budget of tokens, padding included. They are padded
   on the right: causal attention then needs no mask, and token i is column i.
2. At each place the chosen tokens are selected and, if a mean is asked for, averaged; only they leave the device. On a
   GPU the copy of one batch overlaps with the computation of the next.
3. The forward pass stops after the last place asked for; the language-model head never runs.
4. A batch that does not fit in memory is retried at half its size, and later batches keep the smaller budget.

A value that is not finite is an error that names its prompt, place and token.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from accelerate.utils.memory import clear_device_cache, should_reduce_batch_size
from jaxtyping import Float
from torch import Tensor

from interp.capture.backends import Backend, Forward, hooks
from interp.capture.batches import Batch, by_length, fill, pad_right
from interp.capture.hook_points import HookPoint, check_site, check_sum
from interp.capture.host_copy import Landed, land, one_behind
from interp.capture.positions import Each
from interp.capture.sequences import TokenSequence, check_lengths
from interp.capture.sites import check_layers
from interp.capture.token_selection import Layout, Reading
from interp.errors import TriggerLensError
from interp.interventions import Intervention, InterventionLog, intervening
from interp.io.validation import check_count
from interp.models.adapter_rows import adapted
from interp.models.language_model import LanguageModel
from interp.prompts import Prompt

BATCH_TOKENS = 4096


@dataclass(frozen=True, eq=False)
class Vectors:
    """What was read: row i is token `token[i]` of sequence `source[i]`, or a mean over several if the token is None."""

    values: Float[Tensor, "row layer d_model"]
    source: tuple[int, ...]
    token: tuple[int | None, ...]


@dataclass(frozen=True)
class Engine:
    """How to read; `batch_tokens` counts padding too, `batch_rows` limits the rows of a batch as well."""

    lm: LanguageModel
    backend: Backend = hooks
    interventions: Sequence[Intervention] = ()
    prompts: Sequence[Prompt] = ()  # what the interventions' per-row vectors are aligned with
    batch_tokens: int = BATCH_TOKENS
    batch_rows: int | None = None
    dtype: torch.dtype = torch.float32
    allow_nonfinite: bool = False

    def __post_init__(self) -> None:
        check_count("batch_tokens", self.batch_tokens)
        if self.batch_rows is not None:
            check_count("batch_rows", self.batch_rows, what="None or a whole number")

    @cached_property
    def forward(self) -> Forward:
        """The backend, made for this model."""
        return self.backend(self.lm)

    @cached_property
    def log(self) -> InterventionLog:
        """What the interventions did in everything read so far."""
        return InterventionLog(self.interventions, [len(prompt) for prompt in self.prompts])

    def read(
        self, sequences: Sequence[TokenSequence], readings: Mapping[str, Reading]
    ) -> dict[str, Vectors]:
        """Every reading of every sequence; rows in the order of the sequences and of their tokens."""
        self._check(sequences, readings)
        layouts = {name: Layout.of(each.position, sequences) for name, each in readings.items()}
        found: dict[str, Tensor] = {}
        for batch, landed in one_behind(self._batches(sequences, readings, layouts)):
            for name, values in landed.items():
                layout = layouts[name]
                if not self.allow_nonfinite and not bool(values.isfinite().all()):
                    self._refuse([sequences[row] for row in batch], readings[name], values)
                if name not in found:
                    found[name] = values.new_empty(layout.first[-1], *values.shape[1:])
                found[name][layout.rows(batch)] = values
        if sequences:
            self.log.check()
        return {
            name: Vectors(
                found.get(name, torch.empty(0, len(readings[name].layers), self.lm.d_model)),
                layout.source,
                layout.token,
            )
            for name, layout in layouts.items()
        }

    def _check(self, sequences: Sequence[TokenSequence], readings: Mapping[str, Reading]) -> None:
        for reading in readings.values():
            check_site(reading.site)
            check_layers(self.lm, reading.layers)
        if any(reading.site != "resid_post" for reading in readings.values()):
            check_sum(self.lm)
        edited = self.interventions or any(each.adapter is not None for each in sequences)
        if edited and self.backend is not hooks:
            raise TriggerLensError(
                "interventions and per-row adapters act on the model itself, which this backend does "
                "not read; leave backend= out"
            )
        check_lengths(self.lm, sequences)

    def _batches(
        self,
        sequences: Sequence[TokenSequence],
        readings: Mapping[str, Reading],
        layouts: Mapping[str, Layout],
    ) -> Iterator[tuple[list[int], Landed]]:
        """The sequence numbers of each batch and what was read; a batch that is too large is halved."""
        lengths = [len(sequence) for sequence in sequences]
        todo, budget = by_length(lengths), self.batch_tokens
        while todo:
            count = fill((lengths[row] for row in todo), budget, self.batch_rows)
            rows = todo[:count]
            try:
                landed = self._one_batch(rows, sequences, readings, layouts)
            except RuntimeError as error:
                if not should_reduce_batch_size(error):
                    raise
                if count == 1:
                    raise TriggerLensError(
                        f"{sequences[rows[0]]} does not fit in memory even alone: "
                        f"{lengths[rows[0]]} tokens; shorten it or ask for fewer positions"
                    ) from error
                landed = None
            if landed is None:
                clear_device_cache(garbage_collection=True)
                budget = count // 2 * lengths[rows[0]]
                continue
            yield rows, landed
            todo = todo[count:]

    @torch.inference_mode()
    def _one_batch(
        self,
        rows: list[int],
        sequences: Sequence[TokenSequence],
        readings: Mapping[str, Reading],
        layouts: Mapping[str, Layout],
    ) -> Landed:
        chosen = [sequences[row] for row in rows]
        ids, positions = pad_right([each.token_ids for each in chosen], 0, self.lm.device)
        prompt = torch.tensor([each.prompt for each in chosen], device=self.lm.device)
        batch = Batch(prompt, positions, self.prompts)
        gathers = {
            name: layout.gather(rows, ids.shape[1], self.lm.device)
            for name, layout in layouts.items()
        }
        taken: dict[str, dict[HookPoint, Tensor]] = {name: {} for name in readings}

        def take(place: HookPoint, hidden: Tensor) -> None:
            for name, reading in readings.items():
                if place in reading.places:
                    vectors = gathers[name](hidden)
                    taken[name][place] = reading.measure(vectors) if reading.measure else vectors

        places = {place for reading in readings.values() for place in reading.places}
        adapters = [each.adapter for each in chosen]
        with (
            adapted(self.lm, adapters),
            intervening(self.lm, self.interventions, batch, self.log),
        ):
            self.forward(ids, places, take)
        return land(
            {
                name: torch.stack([taken[name][place] for place in reading.places], 1)
                for name, reading in readings.items()
            },
            self.dtype,
        )

    def _refuse(
        self,
        sequences: Sequence[TokenSequence],
        reading: Reading,
        values: Float[Tensor, "row layer d_model"],
    ) -> None:
        """Name the first prompt, place and token that is not finite; that prompt is read again to find the token."""
        bad = ~values.isfinite().all(-1)
        source = Layout.of(reading.position, sequences).source
        row, layer = (int(each) for each in bad.nonzero()[0])
        sequence, place = sequences[source[row]], reading.places[layer]
        again = replace(
            reading, position=Each(reading.position), layers=(place.layer,), measure=None
        )
        alone = replace(self, allow_nonfinite=True).read([sequence], {"again": again})["again"]
        tokens = (~alone.values.isfinite().all(-1)).nonzero()[:, 0].tolist()
        index = alone.token[tokens[0]] if tokens else None
        where = "a token of its batch" if index is None else f"token {index}"
        if index is not None:
            where += f" ({self.lm.tokenizer.decode([sequence.token_ids[index]])!r})"
        raise TriggerLensError(
            f"{sequence}: {place.site} of layer {place.layer} is not finite at {where}; "
            "look for an overflow (float16?), or pass allow_nonfinite=True to keep such rows"
        )
