"""Scores from a model on a server, by the probabilities of its first token (`top_logprobs`).

Three tokens are requested although only the first is scored: the second shows whether this tokenizer
writes "85" as "8", "5", in which case first tokens are not scores.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from experiments.judging.numbers import Numbers, from_candidates
from experiments.judging.rubric_judge import Progress
from experiments.judging.server.budget import Unanswered
from experiments.judging.server.client import ChatRequest, ChatServer
from experiments.judging.server.replies import Reply

TOP = 20  # the most that the protocol gives
TOKENS = 3


@dataclass(frozen=True)
class EndpointScorer:
    """Asks the server once per distinct prompt for `top` candidates (some servers give fewer than 20)."""

    server: ChatServer
    top: int = TOP

    @property
    def name(self) -> str:
        """The model and the server's address."""
        return self.server.name

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that differ from the defaults."""
        top = {} if self.top == TOP else {"top_logprobs": self.top}
        return {**top, **self.server.extra}

    def __call__(self, prompts: Sequence[str], progress: Progress | None = None) -> list[Numbers]:
        """One result per prompt; if the server never answered, it says why."""
        options = {
            "max_tokens": TOKENS,
            "temperature": 0,
            "logprobs": True,
            "top_logprobs": self.top,
        }
        requests = [
            ChatRequest([{"role": "user", "content": prompt}], options) for prompt in prompts
        ]
        return [_numbers(reply) for reply in self.server.ask_all(requests, progress)]


def _numbers(reply: Reply | Unanswered) -> Numbers:
    if isinstance(reply, Unanswered):
        return Numbers(reason=reply.reason)
    if reply.missing and not any(reply.candidates):
        return Numbers(reason=reply.missing, said=reply.text)
    return replace(from_candidates(reply.tokens, reply.candidates), said=reply.text)
