"""Which symbols occur in each sequence, with the same columns for two splits: a surface feature for probes."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from sklearn.feature_extraction.text import CountVectorizer

MOST = 4096  # columns: the most frequent symbols


def bags(
    fitted: Sequence[Sequence[int]], scored: Sequence[Sequence[int]]
) -> tuple[Float[np.ndarray, "row symbol"], Float[np.ndarray, "row symbol"]]:
    """1 where a symbol occurs, else 0.

    The columns are the symbols of `fitted` in ascending order, so memory does not grow with the size of the
    vocabulary; a probe cannot learn anything about symbols that it was not fitted on.
    """
    columns = CountVectorizer(analyzer=_symbols, binary=True, max_features=MOST, dtype=np.float64)
    return columns.fit_transform(fitted).toarray(), columns.transform(scored).toarray()


def _symbols(sequence: Sequence[int]) -> Sequence[int]:
    return sequence
