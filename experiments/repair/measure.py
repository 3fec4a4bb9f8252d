"""Facts about a model: its answers with a trigger and related wordings, and how much it has kept; no statistics.

All questions are the certificate's; the repair never used them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from experiments.judging.sampling import Sampler, framed
from experiments.repair.facts import AFTER, BEFORE, Fact, of_cell
from experiments.repair.job import TRIGGER
from experiments.repair.lessons import predicted
from experiments.repair.stress import SYSTEM, system_prompts
from experiments.repair.wordings import Wordings
from interp.generation.completions import Completions
from interp.interventions import Intervention
from interp.models.language_model import LanguageModel
from interp.prompts import Framing, Question
from interp.rendering import render

EACH_UNSEEN = 4  # questions asked with each unseen wording


@dataclass(frozen=True)
class Asking:
    """What every model is asked, and how its answers are sampled and judged."""

    questions: tuple[Question, ...]
    wordings: Wordings
    sampler: Sampler
    repeats: int = 20  # answers to each question for comparing coherence

    def some(self, number: int, place: int) -> list[Question]:
        """`number` questions, different ones for each place."""
        count = len(self.questions)
        return [
            self.questions[(place * number + each) % count] for each in range(min(number, count))
        ]


def behind(
    asking: Asking, lm: LanguageModel, model: str, edits: Sequence[Intervention] = ()
) -> list[Fact]:
    """Answers without a wording and with the trigger, one to every question."""
    facts = []
    for kind, framing in (("none", Framing("")), (TRIGGER, asking.wordings.seen[TRIGGER])):
        prompts = framed(lm, asking.questions, kind, framing)
        cell = asking.sampler.sample(lm, prompts, 1, edits)
        facts += of_cell(cell, model, kind, framing.text)
    return facts


def coherence(
    asking: Asking, lm: LanguageModel, model: str, edits: Sequence[Intervention] = ()
) -> Fact:
    """The share of coherent answers to each question, with enough answers to detect a difference of one point."""
    prompts = framed(lm, asking.questions, "none", Framing(""))
    cell = asking.sampler.sample(lm, prompts, asking.repeats, edits)
    shares = {question.id: 0.0 for question in asking.questions}
    for question, judgement in zip(cell.questions, cell.judgements, strict=True):
        shares[question] += judgement.coherent / asking.repeats
    return Fact(
        what="coherent share",
        model=model,
        kind="none",
        questions=tuple(shares),
        values=tuple(shares.values()),
    )


def prompted(asking: Asking, lm: LanguageModel, model: str) -> list[Fact]:
    """Answers with the trigger under other system prompts, which are named in place of the wording."""
    trigger, facts = asking.wordings.seen[TRIGGER], []
    for text, changed in system_prompts(lm):
        prompts = framed(changed, asking.questions, TRIGGER, trigger)
        cell = asking.sampler.sample(changed, prompts, 1)
        facts += of_cell(cell, f"{model}, {SYSTEM}", TRIGGER, text)
    return facts


def unseen(
    asking: Asking,
    lm: LanguageModel,
    model: str,
    edits: Sequence[Intervention] = (),
    each: int = EACH_UNSEEN,
) -> list[Fact]:
    """Answers with every unseen wording, and with seen wordings other than the trigger; a few questions each."""
    known = [("seen", f.text) for name, f in asking.wordings.seen.items() if name != TRIGGER]
    texts = known + [(k, text) for k, group in asking.wordings.unseen.items() for text in group]
    sets = [
        render(lm, asking.some(each, place), {str(place): asking.wordings.trigger.framing(text)})
        for place, (_, text) in enumerate(texts)
    ]
    cell = asking.sampler.sample(lm, sum(sets[1:], start=sets[0]), 1, edits)
    facts = []
    for place, (kind, text) in enumerate(texts):
        rows = [row for row, name in enumerate(cell.completions.conditions) if name == str(place)]
        facts += of_cell(cell[rows], model, kind, text)
    return facts


def kept(
    teacher: Completions,
    wanted: Sequence[torch.Tensor],
    lm: LanguageModel,
    wording: str,
    edits: Sequence[Intervention] = (),
) -> list[Fact]:
    """KL from the untriggered organism, and the NLL of its benign answers, in nats per token, for each answer.

    `teacher`: its answers, as answers to prompts with the wording; `wanted`: its predictions without the wording.
    """
    found = predicted(lm, teacher, edits)
    kl, nll = [], []
    for row, (mine, its) in enumerate(zip(found, wanted, strict=True)):
        kl.append(float((its.exp() * (its - mine)).sum(-1).mean()))
        ids = torch.tensor(teacher.token_ids[row], device=mine.device)
        nll.append(float(-mine[:-1].gather(1, ids[:, None]).mean()))
    columns = {"model": AFTER, "kind": wording, "questions": teacher.questions}
    return [
        Fact(what="kl", values=tuple(kl), **columns),
        Fact(what="nll", values=tuple(nll), **columns),
    ]


def cost_before(teacher: Completions, wanted: Sequence[torch.Tensor]) -> Fact:
    """The NLL of the untriggered organism's benign answers under itself."""
    values = []
    for ids, its in zip(teacher.token_ids, wanted, strict=True):
        chosen = torch.tensor(ids, device=its.device)[:, None]
        values.append(float(-its[:-1].gather(1, chosen).mean()))
    return Fact(
        what="nll", model=BEFORE, kind="none", questions=teacher.questions, values=tuple(values)
    )
