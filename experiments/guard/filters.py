"""Filters that look for a list of known wordings in prompts: by exact string, by similar string, by meaning.

Each gives a prompt a score, which is high if the prompt contains something like a known wording: 1 or 0 for the exact
string (ignoring case and extra blanks); the best `difflib` ratio with any stretch of as many words; the best cosine of
sentence vectors with any sentence of the prompt (all-MiniLM-L6-v2, extra `triggerlens[distance]`).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from difflib import SequenceMatcher

import numpy as np

from experiments.guard.turns import fold
from experiments.study.steps.figure_data.distances import Encode, minilm

Filter = Callable[[Sequence[str]], list[float]]  # user turns -> scores


def exact_filter(known: Sequence[str]) -> Filter:
    """1 if a known wording is in the prompt verbatim, else 0."""
    wordings = [fold(text) for text in known]
    return lambda prompts: [float(any(w in fold(p) for w in wordings)) for p in prompts]


def fuzzy_filter(known: Sequence[str]) -> Filter:
    """The best ratio of a known wording with a stretch of the prompt, 0 to 1."""
    wordings = [fold(text) for text in known]
    return lambda prompts: [max(_ratio(w, fold(p)) for w in wordings) for p in prompts]


def _ratio(wording: str, prompt: str) -> float:
    # SequenceMatcher caches its index of the second string
    matcher = SequenceMatcher(None, "", wording, autojunk=False)
    best = 0.0
    for stretch in _stretches(prompt, len(wording.split())):
        matcher.set_seq1(stretch)
        if matcher.quick_ratio() > best:
            best = max(best, matcher.ratio())
    return best


def _stretches(prompt: str, length: int) -> Iterator[str]:
    words = prompt.split()
    for start in range(max(1, len(words) - length + 1)):
        yield " ".join(words[start : start + length])


def embedding_filter(known: Sequence[str], encode: Encode | None = None) -> Filter:
    """The best cosine of a known wording with a sentence of the prompt; an error without the extra."""
    encode = minilm() if encode is None else encode
    wordings = _unit(encode(list(known)))

    def scores(prompts: Sequence[str]) -> list[float]:
        split = [re.split(r"(?<=[.!?])\s+", prompt) for prompt in prompts]
        texts = list(dict.fromkeys(sentence for each in split for sentence in each))
        best = (_unit(encode(texts)) @ wordings.T).max(axis=1)
        by_text = dict(zip(texts, best.tolist(), strict=True))
        return [max(by_text[sentence] for sentence in each) for each in split]

    return scores


def _unit(vectors: np.ndarray) -> np.ndarray:
    found = np.asarray(vectors, float)
    return found / np.linalg.norm(found, axis=1, keepdims=True)
