"""Captures cached on disk, keyed by weights, adapters, revision, chat template, code, settings and prompts.

Any change, such as an adapter trained further under the same name or one word of a prompt, gives another key and thus
another folder, so a stale result is never returned. After an interruption the same call continues; once finished, it
reads from disk.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

import torch

from interp.activations import Activations
from interp.capture.api import How, by_name, chosen_layers
from interp.capture.backends import hooks
from interp.capture.positions import Position, last_prompt_token, name_of
from interp.capture.store.identity import cache_key
from interp.capture.store.making import Texts, as_sequences, store_identity
from interp.capture.store.reader import ActivationStore
from interp.capture.store.shards import sequence_key
from interp.capture.store.writer import open_writer
from interp.models.language_model import LanguageModel


def capture_cached(
    folder: Path | str,
    lm: LanguageModel,
    texts: Texts,
    *,
    layers: Sequence[int] | None = None,
    position: Position = last_prompt_token,
    site: str = "resid_post",
    dtype: torch.dtype = torch.float32,
    **how: Unpack[How],
) -> Activations:
    """What `capture` returns, from the store in `folder` named by its key; the store is made if it is missing."""
    sequences = list(as_sequences(texts))
    identity = store_identity(
        lm,
        layers=chosen_layers(lm, layers),
        positions=by_name(position),
        sites=[site],
        dtype=dtype,
        backend=how.get("backend", hooks),
    )
    identity["sequences"] = [sequence_key(each, "").hex() for each in sequences]
    home = Path(folder) / cache_key(identity)
    with open_writer(
        home,
        lm,
        layers=layers,
        positions={name_of(position): position},
        sites=[site],
        dtype=dtype,
        **how,
    ) as writer:
        writer.add(sequences)
    return ActivationStore(home).load()
