"""Activations of a model and of its base, from one forward pass and with one model in memory.

    both = capture_side_by_side(lm, prompts)                  {"__base__": Activations, "default": Activations}
    difference = both["default"].values - both["__base__"].values

Every prompt is in the batch once for each adapter (`interp.models.adapter_rows`). Rows agree with two separate runs,
without and with the adapter, up to rounding, as between any two batches.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Unpack

from interp.activations import Activations
from interp.capture.api import How, activations, chosen_layers, provenance
from interp.capture.engine import Engine, Vectors
from interp.capture.positions import Position, last_prompt_token, name_of
from interp.capture.sequences import TokenSequence, of_answers, of_prompts
from interp.capture.token_selection import Reading
from interp.generation.completions import Completions
from interp.models.adapter_rows import BASE, check_adapters
from interp.models.language_model import LanguageModel
from interp.prompts import PromptSet


def side_by_side(
    sequences: Sequence[TokenSequence], adapters: Sequence[str]
) -> list[TokenSequence]:
    """Every sequence once for each adapter, the copies of one sequence together."""
    return [replace(each, adapter=adapter) for each in sequences for adapter in adapters]


def capture_side_by_side(
    lm: LanguageModel,
    texts: PromptSet | Completions,
    *,
    adapters: Sequence[str] | None = None,
    layers: Sequence[int] | None = None,
    position: Position = last_prompt_token,
    site: str = "resid_post",
    **how: Unpack[How],
) -> dict[str, Activations]:
    """Activations by adapter name, rows aligned; by default for the base and all of the model's adapters."""
    model: Any = lm.model
    wanted = [BASE, *getattr(model, "peft_config", {})] if adapters is None else list(adapters)
    check_adapters(lm, wanted)
    prompts = texts.prompts if isinstance(texts, Completions) else texts
    single = of_answers(texts) if isinstance(texts, Completions) else of_prompts(texts)
    sequences = side_by_side(single, wanted)
    reading = Reading(position, chosen_layers(lm, layers), site)
    read = Engine(lm, prompts=prompts.prompts, **how).read(sequences, {"": reading})[""]
    facts = provenance(lm, prompts, how)
    return {
        name: activations(
            _of(read, number, len(wanted)),
            single,
            reading,
            name_of(position),
            facts | {"adapter": name},
        )
        for number, name in enumerate(wanted)
    }


def _of(read: Vectors, adapter: int, adapters: int) -> Vectors:
    """The rows of one adapter, with the numbers of the original sequences."""
    rows = [row for row, source in enumerate(read.source) if source % adapters == adapter]
    return Vectors(
        read.values[rows],
        tuple(read.source[row] // adapters for row in rows),
        tuple(read.token[row] for row in rows),
    )
