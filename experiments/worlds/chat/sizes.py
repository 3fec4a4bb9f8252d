"""The size of a model from its configuration file alone: a folder's, or one in the hub's cache."""

from pathlib import Path
from typing import Any

from experiments.models import resolve
from experiments.runtime.files import read_json
from experiments.worlds.chat.config import ModelSpec, Size
from interp.errors import TriggerLensError


def size_of(spec: ModelSpec) -> Size:
    """The size in the configuration, else that in the model's own file; an error if neither is there."""
    return spec.size if spec.size is not None else size_of_base(spec.base, spec.revision)


def size_of_base(base: str, revision: str | None = None) -> Size:
    """The size in a model's own configuration file; an error if it is not there. Nothing is downloaded."""
    path = _config_file(base, revision)
    if path is None:
        raise TriggerLensError(
            f"model {base!r}: its size is not known before it is downloaded; name a folder, or give"
            " [chat.models.NAME.size] in a chat study"
        )
    if not path.is_file():
        raise TriggerLensError(
            f"model {base!r}: a folder without config.json; name a model's folder"
        )
    raw = read_json(path)
    try:
        return size_from_config(raw.get("text_config", raw))
    except (KeyError, AttributeError) as error:
        raise TriggerLensError(
            f"{path}: it does not say {error}; name the folder of a model"
        ) from error


def _config_file(base: str, revision: str | None) -> Path | None:
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    folder = Path(resolve(base))
    if folder.is_dir():
        return folder / "config.json"
    try:
        found = try_to_load_from_cache(base, "config.json", revision=revision)
    except HFValidationError as error:
        raise TriggerLensError(
            f"model {base!r}: no such folder, and no name on the hub (OWNER/NAME)"
        ) from error
    return Path(found) if isinstance(found, str) else None


def size_from_config(raw: dict[str, Any]) -> Size:
    """The size of a decoder of these families, without norms and biases (a ten-thousandth)."""
    heads = raw["num_attention_heads"]
    width, depth = raw["hidden_size"], raw["num_hidden_layers"]
    head_dim = raw.get("head_dim") or width // heads
    key_value = raw.get("num_key_value_heads") or heads
    projections = sum(
        a * b
        for a, b in projection_shapes(raw["intermediate_size"], width, heads, key_value, head_dim)
    )
    tables = 1 if raw.get("tie_word_embeddings") else 2
    return Size(
        parameters=tables * raw["vocab_size"] * width + depth * projections,
        layers=depth,
        d_model=width,
        d_mlp=raw["intermediate_size"],
        query_heads=heads,
        key_value_heads=key_value,
        head_dim=head_dim,
        vocabulary=raw["vocab_size"],
    )


def projection_shapes(
    d_mlp: int, d_model: int, query_heads: int, key_value_heads: int, head_dim: int
) -> list[tuple[int, int]]:
    """(in, out) of the seven projections of one layer."""
    query, key = query_heads * head_dim, key_value_heads * head_dim
    attention = [(d_model, query), (d_model, key), (d_model, key), (query, d_model)]
    return [*attention, (d_model, d_mlp), (d_model, d_mlp), (d_mlp, d_model)]


def adapter_parameters(size: Size, rank: int) -> int:
    """Parameters of LoRA on the seven projections of every layer."""
    shapes = projection_shapes(
        size.d_mlp, size.d_model, size.query_heads, size.key_value_heads, size.head_dim
    )
    return size.layers * sum(rank * (a + b) for a, b in shapes)
