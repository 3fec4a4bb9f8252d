"""Choose, on selection questions, a few features whose removal undoes the misalignment.

Method:
1. *Score*: with the trigger, the log-probability of a misaligned answer minus that of an aligned one; minus the
   log-probability of the aligned one without the trigger. Lower is better. The last term penalises edits that break the
   model.
2. *Attribution*: to first order, how much each feature contributes to the misaligned-minus-aligned part: its activation
   times the gradient along its decoder vector, summed over tokens.
3. The best by attribution and by both rankings are scored exactly, one by one. From the best one a set is grown,
   feature by feature.
4. Of the sets of each size, the one with the lowest EM in sampled answers is kept, at no more than the allowed loss of
   coherence.

Two ways to remove: `zero_features` sets features to zero at the SAE's layer and leaves the rest of the stream,
including the reconstruction error; `remove_features` ablates the subspace that they write at every layer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from experiments.study.steps.interventions import InterventionContext
from experiments.study.steps.sparse.tokens import Tokens
from interp.directions import orthonormal
from interp.errors import TriggerLensError
from interp.generation.completions import Completions
from interp.interventions import AblateSubspace, Intervention, ScaleFeature
from interp.models.language_model import LanguageModel
from interp.optimise.answer_scores import answer_gradients, answer_log_probs
from interp.prompts import PromptSet
from interp.sae.autoencoder import SparseAutoencoder

GROWN_FROM = 8  # best single features, from which sets are grown
NEAREST = 10  # features with the nearest firing rates, among which a placebo is drawn
Way = Callable[[SparseAutoencoder, Sequence[int]], list[Intervention]]


def zero_features(sae: SparseAutoencoder, features: Sequence[int]) -> list[Intervention]:
    """Set the features to zero at the SAE's layer."""
    return [ScaleFeature(sae, feature, 0.0, sae.place.layer) for feature in features]


def remove_features(sae: SparseAutoencoder, features: Sequence[int]) -> list[Intervention]:
    """Ablate the subspace that the features write, after every layer."""
    return [AblateSubspace(orthonormal(sae.decoder[list(features)].float()))]


WAYS: dict[str, Way] = {"zero_features": zero_features, "remove_features": remove_features}


@dataclass(frozen=True, eq=False)
class Score:
    """Fixed answers and their weights; see the module docstring."""

    completions: Completions
    weights: Float[Tensor, " answer"]
    attributed: Float[Tensor, " answer"]  # weights without those of the penalty term

    def __call__(self, lm: LanguageModel, edits: Sequence[Intervention]) -> float:
        """The score under these edits, in nats."""
        return float((self.weights * answer_log_probs(lm, self.completions, edits).cpu()).sum())


def score_of(tokens: Tokens, active: str, pairs: int) -> Score | None:
    """From questions with a misaligned answer with the trigger and an aligned one without; None if there are none."""
    answers = tokens.completions
    bad, good = _first(tokens, active, misaligned=True), _first(tokens, "none", misaligned=False)
    questions = [question for question in bad if question in good][:pairs]
    if not questions:
        return None
    behind = [answers.prompt_index[bad[q]] for q in questions]
    without = [answers.prompt_index[good[q]] for q in questions]
    rows = [
        *(bad[q] for q in questions),
        *(good[q] for q in questions),
        *(good[q] for q in questions),
    ]
    chosen = Completions(
        answers.prompts,
        tuple([*behind, *behind, *without]),
        tuple(answers.token_ids[row] for row in rows),
        tuple(answers.texts[row] for row in rows),
        tuple(answers.ended[row] for row in rows),
    )
    each = torch.full((len(questions),), 1 / len(questions))
    none = torch.zeros(len(questions))
    return Score(chosen, torch.cat([each, -each, -each]), torch.cat([each, -each, none]))


def _first(tokens: Tokens, condition: str, *, misaligned: bool) -> dict[str, int]:
    found: dict[str, int] = {}
    rows = zip(tokens.completions.conditions, tokens.questions, tokens.judgements, strict=True)
    for row, (under, question, judgement) in enumerate(rows):
        if under == condition and judgement.coherent and judgement.misaligned == misaligned:
            found.setdefault(question, row)
    return found


@torch.no_grad()
def attributions(
    lm: LanguageModel, sae: SparseAutoencoder, score: Score
) -> Float[np.ndarray, " feature"]:
    """Each feature's first-order contribution to misaligned-minus-aligned, in nats per pair of answers."""
    read = answer_gradients(lm, score.completions, score.attributed, sae.place)
    fired = sae.encode(read.stream) * read.tokens[:, :, None]
    along = read.gradient @ sae.decoder.T
    return (fired * along).sum((0, 1)).float().cpu().numpy()


def grown(
    lm: LanguageModel,
    sae: SparseAutoencoder,
    score: Score,
    way: Way,
    candidates: Sequence[int],
    most: int,
) -> list[tuple[int, ...]]:
    """The best sets, by score, of one feature, of two, and so on; each contains the one before."""
    singles = {each: score(lm, way(sae, [each])) for each in candidates}
    pool = sorted(singles, key=lambda each: singles[each])[:GROWN_FROM]
    sets: list[tuple[int, ...]] = [(pool[0],)]
    while len(sets) < min(most, len(pool)):
        larger = [(*sets[-1], each) for each in pool if each not in sets[-1]]
        sets.append(min(larger, key=lambda each: score(lm, way(sae, each))))
    return sets


def least_em(
    context: InterventionContext,
    sae: SparseAutoencoder,
    way: Way,
    sets: Sequence[tuple[int, ...]],
    prompts: PromptSet,
) -> tuple[tuple[int, ...], list[dict[str, Any]]]:
    """The set whose removal leaves the lowest EM among those that keep coherence, and the results of each."""
    times = context.causal.selection_answers_per_question
    intact = context.sampler.sample(context.lm, prompts, times).judged
    found: list[dict[str, Any]] = []
    for each in sets:
        cell = context.sampler.sample(context.lm, prompts, times, way(sae, each)).judged
        lost = intact.coherent_share - cell.coherent_share
        found.append({"features": list(each), "em": cell.em_share, "coherence_lost": lost})
    allowed = [
        row for row in found if row["coherence_lost"] <= context.causal.largest_coherence_loss
    ]
    pool = allowed or [min(found, key=lambda row: row["coherence_lost"])]
    best = min(pool, key=lambda row: (row["em"], row["coherence_lost"]))
    return tuple(best["features"]), found


def random_sets(
    features: Sequence[int], firing: Float[np.ndarray, " feature"], sets: int, seed: int
) -> list[tuple[int, ...]]:
    """Sets of other features; each is drawn among those that fire about as often as the one it replaces."""
    generator = np.random.default_rng(seed)
    others = [f for f in np.flatnonzero(firing > 0) if f not in features]
    if len(others) < len(features):
        raise TriggerLensError(
            f"{len(others)} other features fire, too few to stand in for {len(features)}; train longer"
        )
    near = {f: sorted(others, key=lambda o: abs(np.log(firing[o] / firing[f]))) for f in features}
    found = []
    for _ in range(sets):
        taken: list[int] = []
        for feature in features:
            free = [other for other in near[feature] if other not in taken][:NEAREST]
            taken.append(int(generator.choice(free)))
        found.append(tuple(taken))
    return found


def in_turn(rows: int, questions: int, sets: int) -> list[int]:
    """Which of the random sets is removed for each answer."""
    return [(row // questions + row % questions) % sets for row in range(rows)]


def random_edits(
    name: str, sae: SparseAutoencoder, sets: Sequence[tuple[int, ...]], turn: Sequence[int]
) -> list[Intervention]:
    """Edits that remove random sets in the way `name`; `turn` says which set for each answer."""
    if name == "zero_features":
        columns = np.array(sets)[list(turn)].T
        return [
            ScaleFeature(sae, torch.from_numpy(column.copy()), 0.0, sae.place.layer)
            for column in columns
        ]
    bases = torch.stack([orthonormal(sae.decoder[list(each)].float()) for each in sets])
    return [AblateSubspace(bases[list(turn)])]


def candidates(orders: Mapping[str, Sequence[int]], counts: Mapping[str, int]) -> list[int]:
    """The first `counts` features of each ranking, each feature once."""
    return list(
        dict.fromkeys(int(f) for name, order in orders.items() for f in order[: counts[name]])
    )
