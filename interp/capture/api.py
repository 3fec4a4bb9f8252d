"""Read activations: one vector for each prompt (or answer, or token) and layer.

    capture(lm, prompts)                                          the residual stream at the last prompt token
    capture(lm, prompts, position=[question_mean, all_tokens])    several positions from one forward pass
    capture(lm, prompts, site="mlp_out", layers=[3])              what one MLP adds to the stream
    capture_answers(lm, completions)                              a new forward pass over prompt and answer

The method is in `interp.capture.engine`. With interventions, the stream is read after their edits.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypedDict, Unpack, overload

from torch import Tensor

from interp.activations import Activations
from interp.capture.backends import Backend
from interp.capture.engine import Engine, Vectors
from interp.capture.positions import (
    Position,
    all_tokens,
    last_prompt_token,
    mean_answer,
    name_of,
    position_of,
)
from interp.capture.sequences import TokenSequence, of_answers, of_prompts
from interp.capture.sites import check_layers
from interp.capture.token_selection import Reading
from interp.errors import TriggerLensError
from interp.generation.completions import Completions
from interp.interventions import Intervention
from interp.models.adapter_rows import active_adapters, adapter_named
from interp.models.language_model import LanguageModel
from interp.prompts import PromptSet

Positions = Mapping[str, Position | str] | Sequence[Position | str]


class How(TypedDict, total=False):
    """Options of every capture; the defaults are those of `interp.capture.engine.Engine`."""

    interventions: Sequence[Intervention]
    backend: Backend
    batch_tokens: int
    batch_rows: int | None
    allow_nonfinite: bool


@overload
def capture(  # type: ignore[overload-overlap]  # a name is a sequence as well
    lm: LanguageModel,
    prompts: PromptSet,
    *,
    layers: Sequence[int] | None = ...,
    position: Position | str = ...,
    site: str = ...,
    **how: Unpack[How],
) -> Activations: ...
@overload
def capture(
    lm: LanguageModel,
    prompts: PromptSet,
    *,
    layers: Sequence[int] | None = ...,
    position: Positions,
    site: str = ...,
    **how: Unpack[How],
) -> dict[str, Activations]: ...
def capture(
    lm: LanguageModel,
    prompts: PromptSet,
    *,
    layers: Sequence[int] | None = None,
    position: Position | str | Positions = last_prompt_token,
    site: str = "resid_post",
    **how: Unpack[How],
) -> Activations | dict[str, Activations]:
    """One row for each prompt, or for each token if the position is an `Each`; `layers=None` reads all layers.

    Several positions (a sequence, or a mapping from names) are read in one forward pass and returned under their names.
    """
    if not isinstance(prompts, PromptSet):
        raise TriggerLensError(
            f"prompts is a {type(prompts).__name__}; make a PromptSet with render, or with lm.prompts(texts)"
        )
    return _capture(lm, prompts, of_prompts(prompts), layers, position, site, how)


@overload
def capture_answers(  # type: ignore[overload-overlap]  # a name is a sequence as well
    lm: LanguageModel,
    completions: Completions,
    *,
    layers: Sequence[int] | None = ...,
    position: Position | str = ...,
    site: str = ...,
    **how: Unpack[How],
) -> Activations: ...
@overload
def capture_answers(
    lm: LanguageModel,
    completions: Completions,
    *,
    layers: Sequence[int] | None = ...,
    position: Positions,
    site: str = ...,
    **how: Unpack[How],
) -> dict[str, Activations]: ...
def capture_answers(
    lm: LanguageModel,
    completions: Completions,
    *,
    layers: Sequence[int] | None = None,
    position: Position | str | Positions = mean_answer,
    site: str = "resid_post",
    **how: Unpack[How],
) -> Activations | dict[str, Activations]:
    """The same for each answer, from a new forward pass over prompt and answer; an empty answer is an error."""
    sequences = of_answers(completions)
    return _capture(lm, completions.prompts, sequences, layers, position, site, how)


def residual_norms(
    lm: LanguageModel,
    prompts: PromptSet,
    *,
    layers: Sequence[int] | None = None,
    **how: Unpack[How],
) -> dict[int, float]:
    """Median norm of the residual stream over all prompt tokens, per layer: the unit of steering strengths."""
    chosen = chosen_layers(lm, layers)
    reading = Reading(all_tokens, chosen, measure=_norms)
    norms = Engine(lm, prompts=prompts.prompts, **how).read(of_prompts(prompts), {"norms": reading})
    medians = norms["norms"].values[:, :, 0].median(0).values
    return dict(zip(chosen, medians.tolist(), strict=True))


def _norms(vectors: Tensor) -> Tensor:
    return vectors.norm(dim=-1, keepdim=True)


def chosen_layers(lm: LanguageModel, layers: Sequence[int] | None) -> tuple[int, ...]:
    """The layers asked for, in order; None means all."""
    chosen = check_layers(lm, range(lm.n_layers) if layers is None else layers)
    if not chosen or len(set(chosen)) < len(chosen):
        raise TriggerLensError(
            f"layers={list(chosen)}: give at least one layer, and each only once"
        )
    return chosen


def _capture(
    lm: LanguageModel,
    prompts: PromptSet,
    sequences: Sequence[TokenSequence],
    layers: Sequence[int] | None,
    position: Position | str | Positions,
    site: str,
    how: How,
) -> Activations | dict[str, Activations]:
    chosen, positions = chosen_layers(lm, layers), by_name(position)
    readings = {name: Reading(each, chosen, site) for name, each in positions.items()}
    engine = Engine(lm, prompts=prompts.prompts, **how)
    vectors = engine.read(sequences, readings)
    facts = provenance(lm, prompts, how)
    facts["evidence"] = [each.summary() for each in engine.log.evidence()]
    found = {
        name: activations(vectors[name], sequences, readings[name], name, facts)
        for name in positions
    }
    single = callable(position) or isinstance(position, str)
    return next(iter(found.values())) if single else found


def by_name(position: Position | str | Positions) -> dict[str, Position]:
    """Positions by name; the activations are stored under these names."""
    if isinstance(position, str):
        position = position_of(position)
    if callable(position):
        return {name_of(position): position}
    several = position.values() if isinstance(position, Mapping) else position
    if not isinstance(several, Iterable):
        several = (several,)
    functions = [_function(one) for one in several]
    if isinstance(position, Mapping):
        return dict(zip(position, functions, strict=True))
    named = {name_of(function): function for function in functions}
    if len(named) != len(functions):
        raise TriggerLensError(
            f"positions share a name: {', '.join(map(name_of, functions))}; "
            "give a mapping from names of your own"
        )
    return named


def _function(position: Position | str) -> Position:
    """A position as a function; ValueError for anything that is neither a function nor the name of one."""
    function = position_of(position)
    if not callable(function):
        raise TriggerLensError(
            f"position {position!r} is not a function; give one of interp.capture.positions, such as last_prompt_token,"
            " or its name"
        )
    return function


def provenance(lm: LanguageModel, prompts: PromptSet, how: How) -> dict[str, object]:
    """How the activations were made: the model's name, weights and active adapter, and a hash of the prompts."""
    carried = getattr(lm.model, "peft_config", {})
    return {
        "model": lm.name,
        "weights": lm.weights_hash,
        "adapter": adapter_named(carried, active_adapters(lm)),
        "prompts": prompts.content_hash,
        "interventions": [type(each).__name__ for each in how.get("interventions", ())],
    }


def activations(
    vectors: Vectors,
    sequences: Sequence[TokenSequence],
    reading: Reading,
    name: str,
    facts: Mapping[str, object],
) -> Activations:
    """The values that were read, with the condition and question of every row."""
    return Activations(
        vectors.values,
        reading.layers,
        tuple(sequences[row].condition for row in vectors.source),
        tuple(sequences[row].question for row in vectors.source),
        name,
        dict(facts),
        reading.site,
        vectors.source,
        vectors.token,
    )
