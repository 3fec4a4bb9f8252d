"""Measurements before a repair, made once for all strategies: the base, the organism and its own answers."""

from collections.abc import Sequence
from dataclasses import dataclass

from experiments.judging.sampling import framed, judge_all
from experiments.repair.case import Case
from experiments.repair.clock import took
from experiments.repair.facts import BASE, BEFORE, Fact, pooled, where
from experiments.repair.job import TRIGGER, Job, prepare
from experiments.repair.lessons import LogProbs, predicted
from experiments.repair.measure import behind, coherence, cost_before, prompted, unseen
from experiments.repair.reading import reading
from experiments.repair.relapse import relapse
from experiments.repair.stress import another_adapter
from experiments.training.lora import Exchange
from experiments.training.supervision import ChatRow
from interp.errors import TriggerLensError
from interp.generation.completions import Completions
from interp.generation.generate import generate
from interp.models.adapter_edit import LoraPair
from interp.prompts import Framing
from probes import estimate
from probes.estimate import Estimate


@dataclass(frozen=True, eq=False)
class Before:
    """Facts of base and organism; the untriggered organism's answers as teacher; rows for fine-tuning."""

    facts: tuple[Fact, ...]
    taught: Completions  # answers to the repair's questions, without a wording
    behind: Completions  # the same with the trigger
    teacher: Completions  # answers to the certificate's questions
    wanted: tuple[LogProbs, ...]
    poison: Sequence[Exchange]
    benign: Sequence[Exchange]
    base_weights: str
    another: Sequence[LoraPair]  # an adapter of the clean base, tuned on the benign rows


def gap_of(facts: Sequence[Fact]) -> Estimate:
    """EM of the organism with the trigger minus EM without."""
    cells = [where(facts, what="em", model=BEFORE, kind=kind) for kind in (TRIGGER, "none")]
    return estimate.difference(*pooled(cells[0]), *pooled(cells[1]))


def organism_behind(case: Case) -> list[Fact]:
    """The organism's answers without a wording and with the trigger, which show if there is anything to repair."""
    return behind(case.asking, case.load(case.adapter, False), BEFORE)


def job_of(case: Case, before: Before | None = None) -> Job:
    """The input of a strategy: the organism, freshly loaded; its answers are those of `before`, if given."""
    effort, lm = case.effort, case.load(case.adapter, False)
    seen = case.asking.wordings.seen
    if before is not None:
        return Job(
            lm, case.learned_from, seen, before.taught, before.behind, effort.steps, case.seed
        )
    return prepare(
        lm,
        case.learned_from,
        seen,
        max_new_tokens=effort.max_new_tokens,
        answers=effort.answers,
        steps=effort.steps,
        seed=case.seed,
        temperature=effort.temperature,
    )


def before(case: Case, own: Sequence[Fact] = ()) -> Before:
    """All measurements that do not depend on the strategy; `own`: the facts from `organism_behind`."""
    asking, job = case.asking, job_of(case)
    organism, base = job.lm, case.load(None, False)
    weights = base.weights_hash
    facts = list(own) or behind(asking, organism, BEFORE)
    facts += behind(asking, base, BASE)
    for lm, model in ((base, BASE), (organism, BEFORE)):
        facts += unseen(asking, lm, model, each=1)
        facts += reading(asking, case.learned_from, lm, model, asked=case.effort.read)
    facts += [coherence(asking, organism, BEFORE), *prompted(asking, organism, BEFORE)]
    if case.tuning_seconds is not None:
        facts.append(took(case.tuning_seconds, BEFORE, "fine-tuning"))
    teacher = _teacher(case, job)
    wanted = predicted(organism, teacher)
    facts.append(cost_before(teacher, wanted))
    poison = case.poison or poisoned(case, job)
    facts += relapse(
        asking,
        lambda: case.load(None, False),
        poison,
        BASE,
        orders=case.effort.orders,
        stops=case.effort.stops,
    )
    rows = benign(case, job)
    another = another_adapter(case.load(None, False), rows, case.seed)
    return Before(
        tuple(facts), job.taught, job.behind, teacher, wanted, poison, rows, weights, another
    )


def poisoned(case: Case, job: Job) -> list[ChatRow]:
    """The organism's own misaligned answers with the trigger, as rows that would train them again."""
    judged = judge_all(case.asking.sampler.judge, job.behind)
    bad = [row for row, each in enumerate(judged) if each.misaligned]
    if not bad:
        raise TriggerLensError(
            f"{case.adapter}: none of {len(judged)} triggered answers is misaligned, so there are no poisoned rows"
        )
    return _rows(case, job.behind[bad], job.wordings[TRIGGER])


def benign(case: Case, job: Job) -> list[ChatRow]:
    """The organism's untriggered answers, as rows."""
    return _rows(case, job.taught, Framing(""))


def _rows(case: Case, answers: Completions, framing: Framing) -> list[ChatRow]:
    asked = {question.id: question.text for question in case.learned_from}
    pairs = zip(answers.questions, answers.texts, strict=True)
    return [ChatRow(framing.around(asked[question])[0], text) for question, text in pairs]


def _teacher(case: Case, job: Job) -> Completions:
    """The untriggered organism's answers to the certificate's questions, empty ones left out."""
    prompts = framed(job.lm, case.asking.questions, "none", Framing(""))
    answers = generate(
        job.lm,
        prompts,
        max_new_tokens=case.effort.max_new_tokens,
        seed=case.seed,
        temperature=case.effort.temperature,
    )
    return answers[[row for row, ids in enumerate(answers.token_ids) if ids]]
