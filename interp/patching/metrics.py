"""Metrics of patching: how much a model prefers one answer, at its first token or over the whole answer.

    LogitDifference(wanted, other)    mean next-token logit of some tokens minus that of others
    AnswerLogProb(answer)             log-probability of a whole answer, in nats
    AnswerDifference(wanted, other)   log-odds of two whole answers, in nats
    KLFromClean()                     KL(clean || patched) of the next token, in nats: 0 is the clean run

The clean run is the one whose activations are put into the corrupt one. A metric is a sum of weighted terms; each reads
the model under one answer, so two answers cost two sweeps.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from interp.errors import TriggerLensError

Logits = Float[Tensor, "row step vocabulary"]


class Term(ABC):
    """A number from the logits that predict each token of `answer`; without an answer, those after the prompt alone."""

    answer: tuple[int, ...] = ()

    @abstractmethod
    def __call__(
        self, logits: Logits, clean: Float[Tensor, "step vocabulary"]
    ) -> Float[Tensor, " row"]:
        """One number for each row; `clean` are the clean run's logits at the same steps."""


class Metric(ABC):
    """A weighted sum of terms."""

    @property
    @abstractmethod
    def terms(self) -> tuple[tuple[float, Term], ...]:
        """Weights and terms."""


class SingleTerm(Metric, Term):
    """A metric whose only term is itself."""

    @property
    def terms(self) -> tuple[tuple[float, Term], ...]:
        return ((1.0, self),)


@dataclass(frozen=True)
class AtLastToken(SingleTerm):
    """Any function of the next-token logits, [row, vocabulary] to [row]."""

    function: Callable[[Tensor], Tensor]

    def __call__(
        self, logits: Logits, clean: Float[Tensor, "step vocabulary"]
    ) -> Float[Tensor, " row"]:
        values = self.function(logits[:, -1])
        if not isinstance(values, Tensor) or values.shape != (len(logits),):
            shape = list(values.shape) if isinstance(values, Tensor) else type(values).__name__
            raise TriggerLensError(
                f"the metric returned {shape} for {len(logits)} rows of logits; return one number for each, [row]"
            )
        return values


@dataclass(frozen=True)
class LogitDifference(SingleTerm):
    """Mean next-token logit of some tokens minus that of others."""

    wanted: tuple[int, ...]
    other: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.wanted or not self.other:
            raise TriggerLensError("LogitDifference needs at least one token on each side")

    def __call__(
        self, logits: Logits, clean: Float[Tensor, "step vocabulary"]
    ) -> Float[Tensor, " row"]:
        last = logits[:, -1].float()
        return last[:, list(self.wanted)].mean(-1) - last[:, list(self.other)].mean(-1)


@dataclass(frozen=True)
class AnswerLogProb(SingleTerm):
    """The log-probability of an answer's tokens, one after another."""

    answer: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.answer:
            raise TriggerLensError("AnswerLogProb needs an answer of at least one token")

    def __call__(
        self, logits: Logits, clean: Float[Tensor, "step vocabulary"]
    ) -> Float[Tensor, " row"]:
        tokens = torch.tensor(self.answer, device=logits.device).expand(len(logits), -1)
        return logits.float().log_softmax(-1).gather(-1, tokens[:, :, None])[..., 0].sum(-1)


@dataclass(frozen=True)
class AnswerDifference(Metric):
    """The log-probability of one whole answer minus that of another."""

    wanted: tuple[int, ...]
    other: tuple[int, ...]

    @property
    def terms(self) -> tuple[tuple[float, Term], ...]:
        return ((1.0, AnswerLogProb(self.wanted)), (-1.0, AnswerLogProb(self.other)))


@dataclass(frozen=True)
class KLFromClean(SingleTerm):
    """How far the patched run's next token is from the clean run's."""

    def __call__(
        self, logits: Logits, clean: Float[Tensor, "step vocabulary"]
    ) -> Float[Tensor, " row"]:
        wanted = clean[-1].float().log_softmax(-1)
        found = logits[:, -1].float().log_softmax(-1)
        return (wanted.exp() * (wanted - found)).sum(-1)
