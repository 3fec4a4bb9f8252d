"""A patching map from plain strings: clean text, corrupt text, and what to measure.

    patching_map(
        lm, "When Mary and John went out, John saw", "When Mary and John went out, Mary saw", (" Mary", " John")
    )

Strings are read as plain text and paired token by token, so both must have the same number of tokens. Rendered prompts
are paired by their spans (`interp.patching.pairs.aligned`).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor

from interp.capture.hook_points import HEADS
from interp.errors import TriggerLensError
from interp.models.language_model import LanguageModel
from interp.patching.heads import head_patching_map
from interp.patching.maps import BATCH_TOKENS, PatchingMap, patching_maps
from interp.patching.metrics import AnswerDifference, AtLastToken, LogitDifference, Metric
from interp.patching.pairs import Pair, aligned
from interp.prompts import Framing, Prompt, PromptSet, Question
from interp.readout.tokens import token_text
from interp.rendering import plain_prompts

Texts = str | Prompt | PromptSet | Sequence[str | Prompt]
Measure = Metric | tuple[str, str] | Callable[[Tensor], Tensor]


def patching_map(
    lm: LanguageModel,
    clean: Texts,
    corrupt: Texts,
    metric: Measure | Sequence[Measure],
    *,
    site: str = "resid_post",
    layers: Sequence[int] | None = None,
    batch_tokens: int = BATCH_TOKENS,
) -> PatchingMap:
    """Patch each token of the clean run, after each layer, into the corrupt run, and measure how much it restores.

    Args:
        clean, corrupt: one text each, or several in the same order; rendered prompts will do.
        metric: two answers (the logit of the first minus that of the second; if one has several tokens, the log-odds
            of the whole answers), a function from next-token logits [row, vocabulary] to [row], or a `Metric`; one for
            all pairs or a list with one for each.
        site: "resid_post", "attn_out", "mlp_out" or, for every head at all tokens, "heads".
    """
    pairs, metrics, words = measured_pairs(lm, clean, corrupt, metric)
    options: dict[str, Any] = {"layers": layers, "batch_tokens": batch_tokens}
    if site == HEADS:
        found = head_patching_map(lm, pairs, metrics, **options)
    else:
        found = patching_maps(lm, pairs, metrics, sites=[site], **options)[site]
    tokens = tuple(
        tuple(token_text(lm, token) for token in pair.corrupt.token_ids) for pair in pairs
    )
    return replace(found, tokens=tokens, measure=words)


def measured_pairs(
    lm: LanguageModel, clean: Texts, corrupt: Texts, metric: Measure | Sequence[Measure]
) -> tuple[list[Pair], list[Metric], str]:
    """The pairs, a metric for each, and what is measured in words."""
    cleans, corrupts = _listed(clean), _listed(corrupt)
    if len(cleans) != len(corrupts):
        raise TriggerLensError(
            f"{len(cleans)} clean texts for {len(corrupts)} corrupt ones; give pairs"
        )
    pairs = [_pair(lm, *texts) for texts in zip(cleans, corrupts, strict=True)]
    measures = metric if isinstance(metric, list) else [metric] * len(pairs)
    return pairs, [_metric(lm, one) for one in measures], _words(measures)


def _listed(texts: Texts) -> list[str | Prompt]:
    return [texts] if isinstance(texts, str | Prompt) else list(texts)


def _pair(lm: LanguageModel, clean: str | Prompt, corrupt: str | Prompt) -> Pair:
    if isinstance(clean, Prompt) and isinstance(corrupt, Prompt):
        return aligned(clean, corrupt)
    if not (isinstance(clean, str) and isinstance(corrupt, str)):
        raise TriggerLensError(
            "clean and corrupt: give two strings or two prompts, not one of each"
        )
    if clean == corrupt:
        raise TriggerLensError(
            f"clean and corrupt are the same text, {clean!r}; nothing can be patched"
        )
    a, b = (_plain(lm, text, name) for text, name in ((clean, "clean"), (corrupt, "corrupt")))
    if len(a) != len(b):
        raise TriggerLensError(
            f"clean {clean!r} has {len(a)} tokens and corrupt {corrupt!r} {len(b)}, so they cannot be paired token by"
            f" token{_first_difference(lm, a, b)}; choose words of the same number of tokens"
        )
    return Pair(a, b, tuple(range(len(b))))


def _plain(lm: LanguageModel, text: str, name: str) -> Prompt:
    return plain_prompts(lm, [Question(text, text)], {name: Framing("")})[0]


def _first_difference(lm: LanguageModel, clean: Prompt, corrupt: Prompt) -> str:
    for at, (a, b) in enumerate(zip(clean.token_ids, corrupt.token_ids, strict=False)):
        if a != b:
            return f" (token {at} is {token_text(lm, a)!r} and {token_text(lm, b)!r})"
    return ""


def _metric(lm: LanguageModel, measure: Any) -> Metric:
    match measure:
        case Metric():
            return measure
        case (str(wanted), str(other)):
            return _of_answers(_answer(lm, wanted), _answer(lm, other))
        case _ if callable(measure):
            return AtLastToken(measure)
    raise TriggerLensError(
        f"metric {measure!r:.60}: give two answers such as (' Mary', ' John'), a function from logits"
        " [row, vocabulary] to [row], or a Metric"
    )


def _of_answers(wanted: tuple[int, ...], other: tuple[int, ...]) -> Metric:
    if wanted == other:
        raise TriggerLensError("the two answers of the metric are the same; give two that differ")
    if len(wanted) == len(other) == 1:
        return LogitDifference(wanted, other)
    return AnswerDifference(wanted, other)


def _answer(lm: LanguageModel, text: str) -> tuple[int, ...]:
    ids = tuple(lm.tokenizer(text, add_special_tokens=False)["input_ids"])
    if not ids:
        raise TriggerLensError(f"answer {text!r} of the metric has no token; give a word")
    return ids


def _words(measures: Sequence[Any]) -> str:
    """What is measured, in words."""
    first = measures[0]
    if len({repr(measure) for measure in measures}) > 1:
        return "the answer of each pair against the other"
    if isinstance(first, tuple):
        return f"{first[0]!r} against {first[1]!r}"
    return getattr(first, "__name__", type(first).__name__)
