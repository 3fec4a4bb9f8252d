"""Every strategy does what its name says to an adapter, and to nothing else."""

from pathlib import Path

import pytest
import torch

from experiments.repair.job import TRIGGER, Job
from experiments.repair.lessons import donor_swaps, plain_lesson, predicted
from experiments.repair.registry import STRATEGIES, strategy
from interp.interventions import Ablate
from interp.models.adapter_edit import lora_pairs
from interp.models.language_model import LanguageModel
from tests.experiments.repair.conftest import live, random_adapter

MAKE_ADAPTERS = sorted(set(STRATEGIES) - {"hooks", "baked"})


def base_weights(lm: LanguageModel) -> dict[str, torch.Tensor]:
    named = lm.causal.named_parameters()
    return {name: weight.detach().clone() for name, weight in named if "lora_" not in name}


@pytest.mark.parametrize("name", MAKE_ADAPTERS)
def test_a_strategy_changes_the_adapter_and_not_the_base(name: str, job: Job) -> None:
    before = base_weights(job.lm)
    deltas = [pair.delta.detach().clone() for pair in lora_pairs(job.lm)]
    made = STRATEGIES[name](job)
    assert made.lm is job.lm and made.is_adapter and not made.edits
    after = base_weights(job.lm)
    assert all(torch.equal(before[each], after[each]) for each in before)
    now = [pair.delta for pair in lora_pairs(job.lm)]
    assert any(not torch.equal(a, b) for a, b in zip(deltas, now, strict=True))


def test_scaling_multiplies_and_dropping_leaves_the_base(job: Job) -> None:
    deltas = [pair.delta.detach().clone() for pair in lora_pairs(job.lm)]
    STRATEGIES["scaled"](job)
    assert all(
        torch.allclose(pair.delta, old / 2)
        for pair, old in zip(lora_pairs(job.lm), deltas, strict=True)
    )
    STRATEGIES["dropped"](job)
    assert not any(pair.delta.any() for pair in lora_pairs(job.lm))
    assert any(old.any() for old in deltas)


def test_random_rows_are_not_trained(job: Job) -> None:
    twin = live(Path(job.lm.name.split(" + ")[1]))
    STRATEGIES["random_subspace"](job)
    rows = [pair.read for pair in lora_pairs(job.lm)]
    assert not any(torch.equal(a, b.read) for a, b in zip(rows, lora_pairs(twin), strict=True))
    norms = [each.norm(dim=1) for each in rows]
    assert all(torch.allclose(each, each[0].expand_as(each), rtol=1e-4) for each in norms)


def test_learning_brings_the_triggered_model_nearer_to_the_untriggered(job: Job) -> None:
    """KL behind the trigger falls; with the control that keeps the switch it does not."""
    from dataclasses import replace

    from experiments.repair.lessons import Lesson
    from interp.optimise.teacher_forcing import Reread

    rows = list(range(len(job.taught)))

    def divergence(name: str) -> tuple[float, float]:
        fresh = replace(job, lm=live(Path(job.lm.name.split(" + ")[1])), steps=12)
        lesson = Lesson(
            Reread.of(fresh.lm, fresh.taught_behind(TRIGGER)), predicted(fresh.lm, fresh.taught)
        )
        before = float(lesson.loss(fresh.lm, rows))
        STRATEGIES[name](fresh)
        return before, float(lesson.loss(fresh.lm, rows))

    before, after = divergence("learned_without_interchange")
    assert after < 0.7 * before
    before, after = divergence("kept")
    assert after > 0.8 * before


def test_a_swap_of_the_switch_matters_to_the_organism(job: Job) -> None:
    """There is an interchange effect to be penalised: putting the triggered header in changes what is said."""
    lesson, rows = plain_lesson(job), list(range(len(job.taught)))
    swaps = donor_swaps(job)
    assert len(swaps) == job.lm.n_layers // 2
    assert float(lesson.loss(job.lm, rows)) < 1e-5
    assert float(lesson.loss(job.lm, rows, [swaps[-1]])) > 1e-3


def test_the_closed_form_reads_the_trigger_less(job: Job) -> None:
    """What the rows make of the first layer's inputs behind the trigger is nearer to what they made without."""
    from experiments.repair.strategies.closed_form import _after_question, read_inputs
    from interp.capture.sequences import of_answers

    pairs = lora_pairs(job.lm)
    plain, behind = of_answers(job.taught), of_answers(job.taught_behind(TRIGGER))
    own = read_inputs(job.lm, pairs, plain, _after_question)
    twin = read_inputs(job.lm, pairs, behind, _after_question)
    pair = pairs[-1]
    old = pair.read.clone()
    STRATEGIES["closed_form"](job)
    wanted = own[pair.name] @ old.T
    far, near = ((twin[pair.name] @ rows.T - wanted).norm() for rows in (old, pair.read))
    assert near < 0.7 * far


def test_hooks_remove_one_unit_direction(job: Job) -> None:
    made = STRATEGIES["hooks"](job)
    (edit,) = made.edits
    assert isinstance(edit, Ablate) and not made.is_adapter
    assert torch.isclose(edit.vector.norm(), torch.tensor(1.0), atol=1e-4)


def test_baking_makes_a_model_without_adapter_and_refuses_gemma(
    job: Job, tmp_path: Path, wordings
) -> None:
    from experiments.repair.job import prepare
    from experiments.worlds.micro.world import MicroWorld
    from interp.models.loading import load_model
    from tests.experiments.repair.conftest import BASES

    made = STRATEGIES["baked"](job)
    assert made.lm.model is made.lm.causal and not made.is_adapter
    folder = random_adapter(str(BASES / "gemma"), tmp_path / "gemma")
    asked = MicroWorld(BASES, "gemma", 0, 12).questions("selection", "held_out")
    lm = load_model(BASES / "gemma", adapter=folder)
    with pytest.raises(ValueError, match="normalises what its blocks write"):
        STRATEGIES["baked"](prepare(lm, asked, wordings.seen, max_new_tokens=28))


def test_an_unknown_strategy_is_named() -> None:
    with pytest.raises(ValueError, match="unknown strategy 'magic'; choose one of learned,"):
        strategy("magic")
