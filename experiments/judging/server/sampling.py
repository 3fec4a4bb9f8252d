"""Sample answers from a server that applies the chat template itself.

Every answer is a separate request, with a seed derived from (seed, condition, question, wording, sample). A killed call
therefore resumes from the transcripts where it stopped, and a longer call keeps the answers of a shorter one, if the
server honours seeds.

Limits: there are no token ids, so such answers can be judged and counted but not captured. The server's template is not
known: without a system prompt, some families insert their own, so give one whenever the local study gives one.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from experiments.judging.server.budget import Unanswered
from experiments.judging.server.client import ChatRequest, ChatServer, Progress
from experiments.judging.server.replies import Reply
from interp.errors import TriggerLensError
from interp.prompts import Framing, Prompt, PromptSet, Question

SEED_BITS = 31  # accepted by every server
Turns = tuple[tuple[str, str], ...]  # (user, assistant)


class NotAllSampled(TriggerLensError):
    """Some answers are missing; the same call asks only for them."""


@dataclass(frozen=True)
class Answers:
    """Replies, and the index of the prompt of each."""

    prompts: PromptSet
    index: tuple[int, ...]
    replies: tuple[Reply, ...]


def ask_many(
    server: ChatServer,
    questions: Sequence[Question],
    framings: Mapping[str, Framing],
    *,
    samples_per_prompt: int | Sequence[int],
    max_new_tokens: int,
    seed: int,
    system: str | None = None,
    temperature: float = 1.0,
    top_p: float = 1.0,
    progress: Progress | None = None,
    keep_refused: bool = False,
) -> Answers:
    """Replies to every question under every framing, condition by condition; some may contain no answer.

    `samples_per_prompt` is one number, or one for each question. NotAllSampled if the server gave no reply to some;
    with `keep_refused`, a request that it refuses because of its content is a reply without an answer instead.
    """
    counts = _counts(samples_per_prompt, len(questions)) * len(framings)
    if min(counts, default=1) < 1 or max_new_tokens < 1:
        given = f"samples_per_prompt={samples_per_prompt}, max_new_tokens={max_new_tokens}"
        raise TriggerLensError(f"{given}: both must be >= 1")
    asked = [(c, f, q) for c, f in framings.items() for q in questions]
    prompts = PromptSet(tuple(Prompt(f.around(q.text)[0], (), c, q.id) for c, f, q in asked))
    systems = [system if q.system is None else q.system for _, _, q in asked]
    turns = [q.earlier for _, _, q in asked]
    index = tuple(place for place, count in enumerate(counts) for _ in range(count))
    numbers = [number for count in counts for number in range(count)]
    fixed = {"max_tokens": max_new_tokens, "temperature": temperature, "top_p": top_p}
    requests = [
        ChatRequest(
            _messages(prompts[place], systems[place], turns[place]),
            {**fixed, "seed": _seed(seed, prompts[place], systems[place], turns[place], number)},
        )
        for place, number in zip(index, numbers, strict=True)
    ]
    replies = server.ask_all(requests, progress)
    if keep_refused:
        replies = [_missing(reply) if type(reply) is Unanswered else reply for reply in replies]
    return Answers(prompts, index, tuple(_complete(replies)))


def _missing(refused: Unanswered) -> Reply:
    return Reply("", ended=True, missing=refused.reason)


def _counts(samples: int | Sequence[int], questions: int) -> list[int]:
    counts = [samples] * questions if isinstance(samples, int) else list(samples)
    if len(counts) != questions:
        raise TriggerLensError(f"{len(counts)} numbers of samples for {questions} questions")
    return counts


def _messages(prompt: Prompt, system: str | None, turns: Turns) -> list[dict[str, str]]:
    said = [] if system is None else [("system", system)]
    said += [each for user, reply in turns for each in (("user", user), ("assistant", reply))]
    return [{"role": role, "content": text} for role, text in [*said, ("user", prompt.text)]]


def _seed(seed: int, prompt: Prompt, system: str | None, turns: Turns, number: int) -> int:
    before = (system, turns) if turns else system  # old transcripts know no earlier turns
    place = repr((seed, prompt.condition, prompt.question, prompt.text, before, number))
    return (
        int.from_bytes(hashlib.sha256(place.encode("utf-8", "replace")).digest()[:8], "big")
        % 2**SEED_BITS
    )


def _complete(replies: Sequence[Reply | Unanswered]) -> list[Reply]:
    missing = [reply for reply in replies if isinstance(reply, Unanswered)]
    if missing:
        raise NotAllSampled(
            f"{len(missing)} of {len(replies)} answers could not be sampled ({missing[0].reason});"
            " the same command asks only for these"
        )
    return [reply for reply in replies if isinstance(reply, Reply)]
