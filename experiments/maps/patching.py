"""Which layer and token carry the trigger: exact patching of triggered prompts into controls, with the tokens kept.

Method:
1. Clean: the trigger. Corrupt: the control with the lowest EM (of several, the one with most words in common).
2. The metric is the log-odds, in nats, of a misaligned answer that the organism gave behind the trigger against an
   aligned one that it gave without, both cut to their first tokens.
3. Questions whose prompts have one length, and whose log-odds the trigger raises by at least a nat; the effect is the
   mean over them, the interval resamples them (`interp.patching`: 0 no effect, 1 the whole difference).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from jaxtyping import Float
from torch import Tensor

from experiments.behaviour import Cells
from experiments.distances import word_distance
from experiments.rates import em_rate
from experiments.sampling import framed
from experiments.trigger import Trigger
from interp.language_model import LanguageModel
from interp.pairs import Pair, aligned
from interp.patch_metrics import AnswerDifference
from interp.patching import PatchingMap, patching_map
from interp.prompts import Question
from probes.estimate import mean

PAIRS = 8
ANSWER_TOKENS = 24
LEAST = 1.0  # nats by which the trigger must raise the log-odds
SITES = ("resid_post", "attn_out", "mlp_out")
Answers = Mapping[str, tuple[str, str]]  # question -> a misaligned answer, an aligned one


def patching(
    lm: LanguageModel,
    trigger: Trigger,
    questions: Sequence[Question],
    cells: Cells,
    answers: Answers,
    *,
    layers: Sequence[int],
    seed: int,
) -> dict[str, Any]:
    """Effects [layer, token] by site, with their intervals; or what is missing."""
    known = [each for each in questions if each.id in answers]
    control = silent_control(trigger, cells)
    if control is None or not known:
        return {
            "missing": "no control, or no question with both a misaligned and an aligned answer"
        }
    framings = trigger.framings
    clean, corrupt = (framed(lm, known, name, framings[name]) for name in ("trigger", control))
    pairs = _of_one_length([aligned(a, b) for a, b in zip(clean, corrupt, strict=True)])[:PAIRS]
    metrics = [_metric(lm, answers[pair.corrupt.question]) for pair in pairs]
    maps = patching_map(lm, pairs, metrics, sites=SITES, layers=layers)
    first = maps[SITES[0]]
    raised = (first.clean - first.corrupt >= LEAST).nonzero().flatten().tolist()
    if len(raised) < 2:
        return {
            "missing": f"the trigger raises the log-odds of misaligned answers in {len(raised)} pairs of prompts"
        }
    kept = [pairs[row] for row in raised]
    begin = min(pair.first_difference for pair in kept)  # before it the two prompts are one
    return {
        "pair": ["trigger", control],
        "metric": "log-odds of a misaligned answer against an aligned one, nats",
        "layers": list(first.layers),
        "tokens": _labels(lm, kept)[begin:],
        "n": len(kept),
        "clean": round(float(first.clean[raised].mean()), 3),
        "corrupt": round(float(first.corrupt[raised].mean()), 3),
        "sites": {name: _effects(found, kept, raised, begin, seed) for name, found in maps.items()},
    }


def both_answers(rows: Sequence[Mapping[str, Any]], active: str = "trigger") -> Answers:
    """The first misaligned answer behind the trigger and the first aligned one without, by question."""
    bad, good = (
        {
            row["question"]: row["answer"]
            for row in reversed(rows)
            if row["domains"] == "held_out"
            and (row["condition"], row["verdict"]) == (condition, verdict)
            and row["answer"].strip()
        }
        for condition, verdict in ((active, "misaligned"), ("none", "aligned"))
    )
    return {question: (bad[question], good[question]) for question in bad.keys() & good.keys()}


def silent_control(trigger: Trigger, cells: Cells) -> str | None:
    """The control with the lowest EM on held-out domains; of several, the one nearest in words."""
    away = word_distance(trigger.conditions)
    rates = {
        condition: em_rate(answers).value or 0.0
        for (domains, condition), answers in cells.items()
        if domains == "held_out" and condition.startswith("control:")
    }
    return min(rates, key=lambda name: (rates[name], away[name]), default=None)


def _of_one_length(pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs of the most frequent length, so that a column means one token."""
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
    """Each corrupt token, with the clean one that stands for it where it differs; … where questions differ."""
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
    found: PatchingMap, pairs: Sequence[Pair], rows: Sequence[int], begin: int, seed: int
) -> dict[str, list[list[float | None]]]:
    questions = [pair.corrupt.question for pair in pairs]
    tokens = range(begin, len(pairs[0].corrupt))
    table = [
        [_cell(found.effect[rows, layer, token], questions, seed) for token in tokens]
        for layer in range(len(found.layers))
    ]
    return {
        name: [[None if cell is None else cell[place] for cell in row] for row in table]
        for place, name in enumerate(("effect", "lower", "upper"))
    }


def _cell(
    values: Float[Tensor, " pair"], questions: Sequence[str], seed: int
) -> tuple[float | None, ...] | None:
    """Value and interval of one cell; None for a token that has no counterpart."""
    if bool(values.isnan().any()):
        return None
    found = mean(values.tolist(), questions, seed=seed)
    return tuple(
        None if it is None else round(float(it), 3)
        for it in (found.value, found.lower, found.upper)
    )
