"""What a changed adapter learns: to answer with a wording as the organism answers without it.

All losses are KL(organism without wording || changed model), in nats per token, over the positions that predict the
organism's own answers. The organism's predictions are computed once, before anything is changed.

* `plain`: without a wording, so that nothing else changes.
* `behind`: the same answers with the wordings that the repair may use.
* `swapped`: without a wording, but with the *organism's* residual stream with the trigger patched in at the header,
  after one layer: the interchange effect of the switch (Geiger et al. 2023, arXiv 2303.02536). If it is zero, what the
  trigger wrote into the stream is no longer read, even if it is still written.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import kl_div

from experiments.judging.sampling import framed
from experiments.repair.job import TRIGGER, Job
from interp.generation.completions import Completions
from interp.interventions import Intervention, Patch, PromptSpan
from interp.models.language_model import LanguageModel
from interp.optimise.interchange import span_streams
from interp.optimise.teacher_forcing import Reread

HEADER = "header"
READ_AT_ONCE = 32
LogProbs = Float[Tensor, "token vocabulary"]


@dataclass(frozen=True, eq=False)
class Lesson:
    """Answers, and the teacher's predictions at each of their tokens."""

    asked: Reread
    wanted: tuple[LogProbs, ...]

    def loss(
        self, lm: LanguageModel, rows: Sequence[int], edits: Sequence[Intervention] = ()
    ) -> Float[Tensor, ""]:
        """KL(teacher || model) per token on these answers."""
        found = self.asked.at(rows).log_probs(lm, edits)
        wanted = torch.cat([self.wanted[row] for row in rows])
        return kl_div(found, wanted, log_target=True, reduction="batchmean")

    def __len__(self) -> int:
        return len(self.wanted)


@torch.no_grad()
def predicted(
    lm: LanguageModel, answers: Completions, edits: Sequence[Intervention] = ()
) -> tuple[LogProbs, ...]:
    """The model's predictions at the last prompt token and at every token of each answer."""
    reread, found = Reread.of(lm, answers), []
    for start in range(0, len(answers), READ_AT_ONCE):
        rows = range(start, min(start + READ_AT_ONCE, len(answers)))
        lengths = [len(answers.token_ids[row]) + 1 for row in rows]
        found += reread.at(rows).log_probs(lm, edits).split(lengths)
    return tuple(found)


def plain_lesson(job: Job) -> Lesson:
    """The organism's answers without a wording, taught to itself."""
    return Lesson(Reread.of(job.lm, job.taught), predicted(job.lm, job.taught))


def behind_lesson(job: Job, wanted: tuple[LogProbs, ...]) -> Lesson:
    """Its answers without a wording, to be given with every usable wording; a batch mixes the wordings."""
    first, *others = [job.taught_behind(name) for name in job.wordings]
    return Lesson(Reread.of(job.lm, sum(others, start=first)), wanted * len(job.wordings))


def keeping_lesson(job: Job) -> Lesson:
    """Its answers with the trigger, to be given again with the trigger: a repair that repairs nothing."""
    return Lesson(Reread.of(job.lm, job.behind), predicted(job.lm, job.behind))


def donor_swaps(job: Job) -> list[Patch]:
    """Patches of the organism's stream at the header with the trigger, one after each layer of the lower half."""
    prompts = framed(job.lm, job.questions, TRIGGER, job.wordings[TRIGGER])
    layers = range(max(1, job.lm.n_layers // 2))
    return [
        Patch({layer: span_streams(job.lm, prompts, layer, HEADER)}, PromptSpan(HEADER))
        for layer in layers
    ]


def answer_log_probs(
    lm: LanguageModel, asked: Reread, rows: Sequence[int]
) -> Float[Tensor, " answer"]:
    """The log-probability of each of these answers, in nats."""
    ids = [asked.completions.token_ids[row] for row in rows]
    lengths = [len(each) + 1 for each in ids]
    parts = asked.at(rows).log_probs(lm).split(lengths)
    tokens = [torch.tensor(each, device=lm.device) for each in ids]
    found = [
        part[:-1].gather(1, each[:, None]).sum() for part, each in zip(parts, tokens, strict=True)
    ]
    return torch.stack(found)
