"""Which layer and token carry the trigger: exact patching of triggered prompts into controls, with the tokens kept.

Method:
1. Clean: the trigger. Corrupt: the control with the lowest EM (of equal ones, the one with most words in common).
2. The metric is the log-odds, in nats, of a misaligned answer that the organism gave with the trigger against an
   aligned one that it gave without, both cut to their first tokens.
3. Questions whose prompts have one length, and whose log-odds the trigger raises by at least one nat. The effect is the
   mean over them; the interval resamples them (`interp.patching.maps`: 0 is no effect, 1 the whole difference).
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from einops import rearrange

from experiments.judging.sampling import framed
from experiments.results.facts import judged_rows
from experiments.study.steps.figure_data.distances import word_distance
from experiments.worlds.trigger import Trigger
from interp.models.language_model import LanguageModel
from interp.patching.maps import PatchingMap, patching_maps
from interp.patching.metrics import AnswerDifference
from interp.patching.pairs import Pair, aligned
from interp.prompts import Question

PAIRS = 8
ANSWER_TOKENS = 24
LEAST = 1.0  # nats by which the trigger must raise the log-odds
SITES = ("resid_post", "attn_out", "mlp_out")
Answers = Mapping[str, tuple[str, str]]  # question -> a misaligned answer, an aligned one


def patching(
    lm: LanguageModel,
    trigger: Trigger,
    questions: Sequence[Question],
    judged: pd.DataFrame,
    answers: Answers,
    *,
    layers: Sequence[int],
) -> dict[str, Any]:
    """Effects [layer, token, pair] by site, or the reason why there are none."""
    known = [each for each in questions if each.id in answers]
    control = silent_control(trigger, judged)
    if control is None or not known:
        return {
            "missing": "no control, or no question with both a misaligned and an aligned answer"
        }
    framings = trigger.framings
    clean, corrupt = (framed(lm, known, name, framings[name]) for name in ("trigger", control))
    pairs = _of_one_length([aligned(a, b) for a, b in zip(clean, corrupt, strict=True)])[:PAIRS]
    metrics = [_metric(lm, answers[pair.corrupt.question]) for pair in pairs]
    maps = patching_maps(lm, pairs, metrics, sites=SITES, layers=layers)
    first = maps[SITES[0]]
    raised = (first.clean - first.corrupt >= LEAST).nonzero().flatten().tolist()
    if len(raised) < 2:
        return {
            "missing": f"the trigger raises the log-odds of misaligned answers in {len(raised)} pairs of prompts"
        }
    kept = [pairs[row] for row in raised]
    begin = min(pair.first_difference for pair in kept)  # before it the two prompts are the same
    return {
        "pair": ["trigger", control],
        "metric": "log-odds of a misaligned answer against an aligned one, nats",
        "layers": list(first.layers),
        "tokens": _labels(lm, kept)[begin:],
        "n": len(kept),
        "clean": round(float(first.clean[raised].mean()), 3),
        "corrupt": round(float(first.corrupt[raised].mean()), 3),
        "questions": [pair.corrupt.question for pair in kept],
        "sites": {name: _effects(found, kept, raised, begin) for name, found in maps.items()},
    }


def both_answers(answers: pd.DataFrame, active: str = "trigger") -> Answers:
    """The first misaligned answer with the trigger and the first aligned one without, by question."""
    held_out = answers[answers["questions"] == "held_out"]
    bad, good = (
        _first_answers(held_out[held_out["wording_kind"] == kind], verdict)
        for kind, verdict in ((active, "misaligned"), ("none", "aligned"))
    )
    return {question: (bad[question], good[question]) for question in bad.keys() & good.keys()}


def _first_answers(answers: pd.DataFrame, verdict: str) -> dict[str, str]:
    rows = zip(answers["question"], answers["answer"], judged_rows(answers).judgements, strict=True)
    first: dict[str, str] = {}
    for question, answer, judgement in rows:
        if judgement.verdict == verdict and answer.strip():
            first.setdefault(question, answer)
    return first


def silent_control(trigger: Trigger, answers: pd.DataFrame) -> str | None:
    """The control with the lowest EM on held-out questions; of equal ones, the one nearest in words."""
    away = word_distance(trigger.conditions)
    held_out = answers[answers["questions"] == "held_out"]
    rates = {
        f"control:{name}": judged_rows(rows).em_share
        for name, rows in held_out[held_out["wording_kind"] == "control"].groupby("wording")
    }
    return min(rates, key=lambda name: (rates[name], away[name]), default=None)


def _of_one_length(pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs of the most frequent length, so that each column is one token position."""
    lengths = [(len(pair.clean), len(pair.corrupt)) for pair in pairs]
    usual = Counter(lengths).most_common(1)[0][0]
    return [pair for pair, length in zip(pairs, lengths, strict=True) if length == usual]


def _metric(lm: LanguageModel, answers: tuple[str, str]) -> AnswerDifference:
    bad, good = (
        tuple(lm.tokenizer(text, add_special_tokens=False)["input_ids"][:ANSWER_TOKENS])
        for text in answers
    )
    return AnswerDifference(bad, good)


def _labels(lm: LanguageModel, pairs: Sequence[Pair]) -> list[str]:
    """Each corrupt token, with the clean one if it differs; … where questions differ."""
    labels = []
    for at, source in enumerate(pairs[0].source):
        here = {pair.corrupt.token_ids[at] for pair in pairs}
        there = {None if source is None else pair.clean.token_ids[source] for pair in pairs}
        words = [_word(lm, ids) for ids in (there, here)]
        labels.append(words[1] if here == there else f"{words[0]} → {words[1]}")
    return labels


def _word(lm: LanguageModel, ids: set[Any]) -> str:
    if len(ids) > 1:
        return "…"
    (only,) = ids
    return "∅" if only is None else str(lm.tokenizer.decode([only])).replace("\n", "⏎").strip()


def _effects(
    found: PatchingMap, pairs: Sequence[Pair], rows: Sequence[int], begin: int
) -> list[list[list[float | None]]]:
    """[layer, token, pair]; null for a token that has no counterpart."""
    effects = found.effect[rows, :, begin : len(pairs[0].corrupt)].float().cpu()
    return [
        [[None if math.isnan(value) else value for value in cell] for cell in layer]
        for layer in rearrange(effects, "pair layer token -> layer token pair").tolist()
    ]
