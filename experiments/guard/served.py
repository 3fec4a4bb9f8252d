"""Models behind servers, for the parts of an audit that need only answers: the gate and the black box.

The adapted model and its base may be two names at one address or at two. Answers are kept in the servers' transcripts,
so a killed audit does not pay for one twice. A prompt that a server refuses because of its content, such as a system
prompt in a chat format without one, gives an answer without a score.

Limits: a server gives no weights and no activations, so there is no search beyond the library, no cause, no monitor.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.guard.gate import Draw, Which
from experiments.guard.trigger_candidates import Condition
from experiments.judging.judgement import Judgement
from experiments.judging.sampling import Cell, Sampler, judge_answers
from experiments.judging.server.client import ChatServer
from experiments.judging.server.sampling import Answers, ask_many
from experiments.judging.server.transcripts import Transcripts
from interp.generation.completions import Completions
from interp.prompts import Question


@dataclass(frozen=True)
class Served:
    """The model under test and its base."""

    fine_tuned: ChatServer
    base: ChatServer

    def drawing(self, sampler: Sampler, answers: int) -> Draw:
        """Samples and judges one cell."""

        def draw(which: Which, condition: Condition, questions: Sequence[Question]) -> Cell:
            server: ChatServer = getattr(self, which)
            asked = [condition.ask(question) for question in questions]
            said = ask_many(
                server,
                asked,
                {condition.name: condition.framing},
                samples_per_prompt=answers,
                max_new_tokens=sampler.max_new_tokens,
                temperature=sampler.temperature,
                seed=sampler.seed,
                keep_refused=True,
            )
            return _cell(sampler, said)

        return draw


@contextmanager
def served_pair(
    server: str | None,
    base_server: str | None,
    model: str,
    base: str,
    out: Path,
    *,
    key_variable: str | None,
    concurrency: int,
) -> Iterator[Served | None]:
    """Both models with one file of transcripts in `out`; None without a server."""
    if server is None:
        yield None
        return
    kept = Transcripts(out / "transcripts.jsonl")
    how: dict[str, Any] = {"key_variable": key_variable, "concurrency": concurrency}
    try:
        yield Served(
            ChatServer(server, model, transcripts=kept, **how),
            ChatServer(base_server or server, base, transcripts=kept, **how),
        )
    finally:
        kept.close()


def _cell(sampler: Sampler, said: Answers) -> Cell:
    """The answers with their judgements; those that are missing have no score."""
    replies = said.replies
    completions = Completions(
        said.prompts,
        said.index,
        ((),) * len(replies),
        tuple("" if reply.missing else reply.text for reply in replies),
        tuple(reply.ended for reply in replies),
    )
    there = [row for row, reply in enumerate(replies) if not reply.missing]
    answered = completions[there]
    scores = judge_answers(sampler.judge, answered.questions, answered.texts, answered.ended)
    judgements = [Judgement(None, None, reason=f"no answer: {one.missing}") for one in replies]
    for row, judgement in zip(there, scores, strict=True):
        judgements[row] = judgement
    return Cell(completions, tuple(judgements), sum(reply.used for reply in replies))
