"""Numbers from a server's model, by the probabilities of its first token (`top_logprobs`).

Three tokens are asked for where one is read: the second shows whether this tokenizer writes "85" as
"8", "5", in which case first tokens are no scores.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from experiments.judging.numbers import Numbers, from_candidates
from experiments.judging.rubric_judge import Progress
from experiments.judging.server.budget import Unanswered
from experiments.judging.server.client import ChatServer

TOP = 20  # the most that the protocol gives
TOKENS = 3


@dataclass(frozen=True)
class EndpointScorer:
    """Asks the server once for each different prompt."""

    server: ChatServer

    @property
    def name(self) -> str:
        """The model and where it answers."""
        return self.server.name

    def __call__(self, prompts: Sequence[str], progress: Progress | None = None) -> list[Numbers]:
        """One for each prompt; one that the server never answered says why."""
        asks = [
            partial(
                self.server.ask,
                [{"role": "user", "content": prompt}],
                max_tokens=TOKENS,
                temperature=0,
                logprobs=True,
                top_logprobs=TOP,
            )
            for prompt in prompts
        ]
        return [
            Numbers(reason=reply.reason)
            if isinstance(reply, Unanswered)
            else replace(from_candidates(reply.tokens, reply.candidates), said=reply.text)
            for reply in self.server.ask_all(asks, progress)
        ]
