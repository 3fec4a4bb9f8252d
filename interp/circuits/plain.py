"""A circuit from plain strings: clean text, corrupt text, and what to measure.

circuit(lm, "When Mary and John went out, John saw", "When Mary and Anne went out, Anne saw", (" Mary", " John"))
"""

from collections.abc import Sequence
from dataclasses import replace

from interp.circuits.attribution import STEPS, edge_scores
from interp.circuits.exact import VERIFIED, verified
from interp.circuits.scores import EdgeScores
from interp.models.language_model import LanguageModel
from interp.patching.plain import Measure, Texts, measured_pairs
from interp.readout.tokens import token_text


def circuit(
    lm: LanguageModel,
    clean: Texts,
    corrupt: Texts,
    metric: Measure | Sequence[Measure],
    *,
    steps: int = STEPS,
    verify: int = VERIFIED,
) -> EdgeScores:
    """Score every edge by attribution with integrated gradients, and patch the `verify` strongest exactly.

    Texts and metrics are as in `interp.patching.plain.patching_map`; `steps` counts points between corrupt and clean.
    The tokens of the result are the first corrupt prompt's.
    """
    pairs, metrics, words = measured_pairs(lm, clean, corrupt, metric)
    found = edge_scores(lm, pairs, metrics, steps=steps)
    if verify:
        found = verified(lm, pairs, metrics, found, verify)
    tokens = tuple(token_text(lm, token) for token in pairs[0].corrupt.token_ids)
    return replace(found, tokens=tokens, measure=words)
