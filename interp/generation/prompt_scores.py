"""Score prompts along a direction as they are read: h . v at one token, in units of the direction's scale.

    score(lm, prompts, direction)                            one number for each prompt
    with watching(lm, direction) as scores: ...              any forward passes, including transformers' `generate`
    generate(..., interventions=[Watch.over(prompts, ...)])  `interp.generation.generate`, which reads prompts in its
    own order

The token is the prompt's last one, or the n-th of the answer (`after(n)`): a model may use the cue for its behaviour
only once its answer begins, before it has said anything of substance. An answer that ends earlier is read at its end.
Scoring does not change what the model computes. It uses no labels or thresholds, and does not say whether a high score
is bad.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from interp.capture.api import capture
from interp.capture.batches import Batch
from interp.capture.hook_points import HookPoint
from interp.capture.positions import Position
from interp.capture.sites import hooked
from interp.directions import Direction
from interp.errors import TriggerLensError
from interp.generation.generate import generate
from interp.interventions import Intervention
from interp.interventions.base import resid_post
from interp.interventions.where import EveryToken, Positions
from interp.models.language_model import LanguageModel
from interp.prompts import PromptSet, Span


def after(tokens: int) -> Position:
    """The last token of the prompt and of the first `tokens` tokens of its answer."""

    def position(length: int, spans: Mapping[str, Span]) -> range:
        end = spans["answer"].start if "answer" in spans else length
        last = min(end + tokens, length) - 1
        return range(last, last + 1)

    position.__name__ = f"after_{tokens}_answer_tokens"
    return position


def answer_tokens_before(direction: Direction) -> int:
    """How many answer tokens a prompt needs before this direction can be read."""
    for tokens in range(10):
        if after(tokens).__name__ == direction.position:
            return tokens
    raise TriggerLensError(
        f"direction {direction.name!r} was fitted at {direction.position!r}, which cannot be read live; "
        "fit it at interp.generation.prompt_scores.after(n)"
    )


def opened(lm: LanguageModel, prompts: PromptSet, tokens: int) -> PromptSet:
    """The prompts with the first `tokens` tokens of their greedy answers, and a span `answer`."""
    if tokens == 0:
        return prompts
    answers = generate(lm, prompts, max_new_tokens=tokens, temperature=0, seed=0).token_ids
    return PromptSet(
        tuple(
            replace(
                prompt,
                token_ids=prompt.token_ids + ids,
                spans={**prompt.spans, "answer": Span(len(prompt), len(prompt) + len(ids))},
            )
            for prompt, ids in zip(prompts, answers, strict=True)
        )
    )


def score(lm: LanguageModel, prompts: PromptSet, direction: Direction) -> Float[Tensor, " prompt"]:
    """The score of each prompt; generates as many greedy answer tokens as the direction needs."""
    direction.check_fits(lm)
    tokens = answer_tokens_before(direction)
    extended = opened(lm, prompts, tokens)
    read = capture(lm, extended, layers=[direction.layer], position=after(tokens)).values[:, 0]
    return read @ direction.vector.to(read) / direction.scale


@dataclass
class Scores:
    """What was read so far: `passes[i]` are the scores of the i-th batch of prompts, in the order of its rows."""

    passes: list[Float[Tensor, " row"]] = field(default_factory=list)

    @property
    def values(self) -> Float[Tensor, " row"]:
        """All scores, batch after batch."""
        return torch.cat(self.passes).cpu() if self.passes else torch.empty(0)


@contextmanager
def watching(lm: LanguageModel, direction: Direction) -> Iterator[Scores]:
    """Score every batch of prompts that the model reads in the body, padded on either side.

    A pass that continues from a cache is taken to read one answer token for each row; without such passes, the prompt's
    last token is scored. With `interp.generation.generate`, use `Watch`.
    """
    direction.check_fits(lm)
    watch = _Hook(
        answer_tokens_before(direction), (direction.vector / direction.scale).to(lm.device)
    )
    entered = lm.decoder.register_forward_pre_hook(watch.enter, with_kwargs=True)
    try:
        with hooked(lm, {direction.layer: watch.read}):
            yield watch.scores
    finally:
        entered.remove()


@dataclass
class _Hook:
    """Follows one model's passes: `step` answer tokens have been read since the last prompts."""

    tokens: int
    vector: Float[Tensor, " d_model"]
    scores: Scores = field(default_factory=Scores)
    step: int = 0
    last: Tensor | None = None  # column of each row's last token; None: the last column

    def enter(self, _: Any, __: tuple[Any, ...], inputs: Mapping[str, Any]) -> None:
        """Before a pass: note whether it continues from a cache, and where its rows end."""
        cache, mask = inputs.get("past_key_values"), inputs.get("attention_mask")
        if not (mask is None or (isinstance(mask, Tensor) and mask.ndim == 2)):
            raise TriggerLensError(
                "watching() finds padding from a mask [row, token], but was given another kind; "
                "with interp.generation.generate, pass interventions=[Watch.over(prompts, direction)]"
            )
        if cache is not None and cache.get_seq_length() > 0:
            self.step, self.last = self.step + 1, None
            return
        self.step = 0
        self.last = None if mask is None else _last(mask)

    def read(self, hidden: Float[Tensor, "row token d_model"]) -> None:
        """At the layer: store the score of each row's last token."""
        if self.step > self.tokens:
            return
        if self.last is None:
            read = hidden[:, -1]
        else:
            read = hidden[torch.arange(len(hidden), device=hidden.device), self.last]
        scores = (read.detach() @ self.vector.to(read)).float()
        if self.step == 0:
            self.scores.passes.append(scores)
        else:
            self.scores.passes[-1] = scores


def _last(mask: Tensor) -> Tensor:
    return mask.shape[1] - 1 - mask.flip(1).int().argmax(1)


@dataclass(frozen=True, eq=False)
class Watch(Intervention):
    """Scores the prompts of a run of `interp.generation.generate` and edits nothing; several samples give their mean
    score."""

    vector: Float[Tensor, " d_model"]
    layer: int
    tokens: int
    lengths: Float[Tensor, " prompt"]
    scores: Float[Tensor, " prompt"]  # filled as prompts are read; NaN before
    positions: Positions = EveryToken()

    @classmethod
    def over(cls, prompts: PromptSet, direction: Direction) -> "Watch":
        """A `Watch` for these prompts."""
        lengths = torch.tensor([float(len(prompt)) for prompt in prompts])
        vector, tokens = direction.vector / direction.scale, answer_tokens_before(direction)
        return cls(vector, direction.layer, tokens, lengths, torch.full_like(lengths, torch.nan))

    def places(self, lm: LanguageModel) -> tuple[HookPoint, ...]:
        return resid_post(lm, (self.layer,))

    def edit(
        self, place: HookPoint, hidden: Float[Tensor, "row token d_model"], batch: Batch
    ) -> Float[Tensor, "row token d_model"]:
        past = batch.positions - self.lengths.to(batch.positions.device)[batch.prompt][:, None]
        row, token = ((past >= -1) & (past < self.tokens)).nonzero(as_tuple=True)
        if len(row):
            found = (hidden[row, token] @ self.vector.to(hidden)).float().cpu()
            prompt = batch.prompt[row].cpu()
            sums, counts = torch.zeros(2, len(self.scores)).index_add_(
                1, prompt, torch.stack([found, torch.ones_like(found)])
            )
            self.scores[counts > 0] = (sums / counts)[counts > 0]
        return hidden

    def vectors(self) -> list[Tensor]:
        return [self.vector]

    def per_row(self) -> list[Tensor]:
        return [self.lengths, self.scores]

    def decided_by(self) -> list[Tensor]:
        return []  # it edits nothing
