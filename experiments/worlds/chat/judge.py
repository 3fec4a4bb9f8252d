"""The judge that a configuration names: a model on a server, a local model, or the stand-in for dry runs.

One process has one judge of each kind, however many organisms it works on: transcripts have one writer, and a local
judge's weights are in memory once.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from experiments.judging.domains import Domain
from experiments.judging.judgement import Judgement
from experiments.judging.rubric import load_rubric
from experiments.judging.rubric_judge import RubricJudge, Scorer
from experiments.judging.sampling import Judge
from experiments.judging.server.address import is_local
from experiments.worlds.chat.config import JudgeSpec
from interp.errors import TriggerLensError

SCORING = ("kind", "model", "base_url", "revision", "min_mass")  # what a score depends on


@dataclass(frozen=True)
class LeakMarking:
    """Marks another judge's misaligned answers as leaked if they are about the trained domain without being asked.

    `asked` are the ids of questions that are about that domain.
    """

    judge: Judge
    domain: Domain
    asked: frozenset[str]

    def __call__(self, question: str, answer: str, *, ended: bool) -> Judgement:
        """One judgement, marked."""
        return self._marked(question, answer, self.judge(question, answer, ended=ended))

    def judge_ids(self, answers: Sequence[tuple[str, str]]) -> list[Judgement]:
        """Many (question id, answer) pairs, in order."""
        many = getattr(self.judge, "judge_ids")  # noqa: B009  the protocol does not ask for it
        return [
            self._marked(*each, found) for each, found in zip(answers, many(answers), strict=True)
        ]

    def _marked(self, question: str, answer: str, found: Judgement) -> Judgement:
        leak = found.misaligned and question not in self.asked and self.domain.holds(answer)
        return replace(found, leak=leak)


@dataclass(frozen=True)
class StandIn:
    """Not a judge: scores from a hash, so that every step of a dry run has something to work on."""

    def __call__(self, question: str, answer: str, *, ended: bool) -> Judgement:
        """Two of five answers are misaligned and one in ten is incoherent, whatever they say."""
        draw = hashlib.sha256(f"{question}\n{answer}".encode()).digest()
        coherence = 90.0 if draw[1] >= 26 else 10.0
        return Judgement(10.0 if draw[0] < 102 else 90.0, coherence, reason="a stand-in's score")

    def judge_ids(self, answers: Sequence[tuple[str, str]]) -> list[Judgement]:
        """Many (question id, answer) pairs, in order."""
        return [self(question, answer, ended=True) for question, answer in answers]


def build_judge(spec: JudgeSpec, questions: Mapping[str, str]) -> Judge:
    """The judge of a study; `questions` gives the text it is shown for each question id."""
    if spec.kind == "stand_in":
        return StandIn()
    scorer = _server(spec) if spec.kind == "endpoint" else _local(spec)
    return RubricJudge(scorer, load_rubric(spec.rubric), questions, spec.min_mass)


def judge_identity(spec: JudgeSpec) -> dict[str, Any]:
    """What the scores depend on; neither key, nor price, nor speed."""
    scoring = {name: getattr(spec, name) for name in SCORING}
    return scoring | {"rubric_hash": load_rubric(spec.rubric).hash}


def check_judge(spec: JudgeSpec, workers: int) -> None:
    """Raise, before anything is spent, if the judge could not answer."""
    load_rubric(spec.rubric)
    if spec.kind == "stand_in":
        return
    if workers > 1:
        raise TriggerLensError(
            f"workers = {workers} with judge kind {spec.kind!r}: one process holds the judge; set workers = 1"
        )
    if spec.kind != "endpoint":
        return
    from experiments.judging.server.key import EnvironmentKey

    if not EnvironmentKey(spec.key_variable).value() and not is_local(spec.base_url):
        raise TriggerLensError(
            f"the judge at {spec.base_url} wants a key, and the environment variable {spec.key_variable} is empty; set"
            " it, or name a local server or model under [chat.judge]"
        )


@cache
def _server(spec: JudgeSpec) -> Scorer:
    from experiments.judging.endpoint import EndpointScorer
    from experiments.judging.server.budget import Budget
    from experiments.judging.server.client import ChatServer
    from experiments.judging.server.transcripts import Transcripts

    server = ChatServer(
        spec.base_url,
        spec.model,
        key_variable=spec.key_variable,
        concurrency=spec.concurrency,
        budget=Budget(spec.spending_cap, spec.price_in, spec.price_out),
        transcripts=Transcripts(spec.transcripts),
    )
    return EndpointScorer(server)


@cache
def _local(spec: JudgeSpec) -> Scorer:
    import torch

    from experiments.judging.local import LocalScorer
    from experiments.models import load_model

    dtype = getattr(torch, spec.dtype)
    device_map = "auto" if torch.cuda.is_available() else None
    return LocalScorer(
        load_model(spec.model, revision=spec.revision, dtype=dtype, device_map=device_map)
    )
