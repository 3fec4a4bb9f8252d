"""Leads from the singular vectors of the adapter's weight difference, read out in words (arXiv 2508.00161).

The words that excite the difference most, or that it writes, are put into frames. A word counts if its token is a whole
word and its z-value among all tokens is at least `LEAST`. Limit: it cannot find triggers of several common words.
"""

from collections.abc import Sequence

from experiments.guard.search.leads import Lead, framed, words
from interp.models.language_model import LanguageModel
from interp.readout.weight_difference import SingularReadOut, read_weight_difference

SOURCE = "singular vectors"
LEAST = 3.0  # z-value
MATRICES, MOST = 24, 12


def singular_leads(lm: LanguageModel, frames: Sequence[str]) -> list[Lead]:
    """The words of the strongest vectors, in frames."""
    names = singular_words(read_weight_difference(lm)[:MATRICES])
    return framed(names, frames, SOURCE)


def singular_words(found: Sequence[SingularReadOut]) -> list[str]:
    """Whole words (tokens that begin with a blank), strongest first."""
    tokens = [token for read in found for token in read.tokens if token.score >= LEAST]
    tokens.sort(key=lambda token: -token.score)
    return words(token.text for token in tokens if token.text.startswith(" "))[:MOST]
