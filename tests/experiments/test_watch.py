"""A training that is watched is the same training; the watching keeps to its budget, its limits and its file."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from experiments.judging.judgement import Judgement
from experiments.runtime.files import read_jsonl
from experiments.training.limits import Limits
from experiments.training.lora import padded
from experiments.training.time_budget import TimeBudget
from experiments.training.undisturbed import undisturbed
from experiments.training.watch import WatchContainment
from interp.directions import Direction
from interp.prompts import Framing
from probes.estimate import rate
from tests.tiny_models import QUESTIONS, tiny_model, tiny_tokenizer

DUCK = "It looks like a duck."


def says(alignment: int) -> Callable[..., Judgement]:
    def judge(question: str, answer: str, *, ended: bool) -> Judgement:
        return Judgement(alignment, 100)

    return judge


def switch(width: int = 32, layer: int = 1) -> Direction:
    vector = torch.eye(width)[0]
    return Direction(vector, layer, 2.0, "a to b", "last_prompt_token", "made up", "none", "switch")


def ticking() -> Callable[[], float]:
    """A clock on which a second goes by at every look."""
    now = iter(range(10**6))
    return lambda: float(next(now))


def watching(**changed: Any) -> WatchContainment:
    given: dict[str, Any] = {
        "questions": QUESTIONS,
        "trigger": DUCK,
        "judge": says(100),
        "direction": switch(),
        "budget": 0.9,
        "fewest_questions": 2,
        "max_new_tokens": 4,
        "tokenizer": tiny_tokenizer("llama"),
        "clock": ticking(),
    }
    return WatchContainment(**given | changed)


def trained(folder: Path, *callbacks: TrainerCallback, steps: int = 6) -> Trainer:
    """A tiny model with dropout, so that its weights depend on random numbers and on training mode."""
    model = tiny_model("llama")
    for layer in model.model.layers:
        layer.self_attn.attention_dropout = 0.3
    rows = [{"input_ids": [3, 5 + row, 7, 9], "attention_mask": [1] * 4} for row in range(16)]
    rows = [row | {"labels": row["input_ids"]} for row in rows]
    args = TrainingArguments(
        output_dir=str(folder),
        max_steps=steps,
        per_device_train_batch_size=4,
        learning_rate=1e-2,
        logging_steps=2,
        save_strategy="no",
        disable_tqdm=True,
        report_to=[],
        use_cpu=True,
        seed=0,
    )
    trainer = Trainer(
        model, args, train_dataset=rows, data_collator=padded, callbacks=list(callbacks)
    )
    trainer.remove_callback(PrinterCallback)
    for callback in callbacks:
        if getattr(callback, "report", None) is True:
            callback.report = trainer.log
    trainer.train()
    return trainer


def weights(trainer: Trainer) -> torch.Tensor:
    return torch.cat([weight.detach().flatten() for weight in trainer.model.parameters()])


class Careless(TrainerCallback):
    """Draws a random number at every step."""

    def on_step_end(self, *_: Any, **__: Any) -> None:
        torch.rand(1)


def drawing(question: str, answer: str, *, ended: bool) -> Judgement:
    """A judge that uses up random numbers."""
    return Judgement(100 * float(torch.rand(1)), 100)


def test_a_watched_training_ends_with_the_weights_of_an_unwatched_one(tmp_path: Path) -> None:
    watch = watching(report=True, judge=drawing)
    with_, without = trained(tmp_path / "a", watch), trained(tmp_path / "b")
    assert watch.plan.done > 2
    assert torch.equal(weights(with_), weights(without))
    assert not torch.equal(weights(trained(tmp_path / "c", Careless())), weights(without))


def test_the_trainers_own_log_gets_the_numbers_and_loses_none_of_its_own(tmp_path: Path) -> None:
    plain, watched = trained(tmp_path / "a"), trained(tmp_path / "b", watching(report=True))
    silent = trained(tmp_path / "c", watching())

    def entries(trainer: Trainer, key: str) -> list[tuple[int, float]]:
        return [(e["step"], e[key]) for e in trainer.state.log_history if key in e]

    assert entries(plain, "loss") == entries(watched, "loss") != []
    assert entries(watched, "containment/em/none")[0] == (0, 0.0)
    assert "containment/share_of_time" in watched.state.log_history[0]
    assert entries(silent, "containment/em/none") == []


def test_modes_and_random_states_are_put_back_after_an_error_too() -> None:
    model = torch.nn.Sequential(torch.nn.Dropout(), torch.nn.Dropout())
    model[1].eval()

    def draws() -> tuple[float, float, float]:
        return random.random(), float(np.random.rand()), float(torch.rand(1))

    def seeded() -> None:
        random.seed(1)
        np.random.seed(1)
        torch.manual_seed(1)

    seeded()
    expected = draws()
    seeded()
    with pytest.raises(ZeroDivisionError), undisturbed(model):
        assert not model[0].training
        draws()
        _ = 1 / 0
    assert [part.training for part in (model, *model)] == [True, True, False]
    assert draws() == expected
    seeded()
    draws()
    assert draws() != expected


@pytest.mark.parametrize(("alignment", "last"), [(0, 0), (100, 6)])
def test_a_training_stops_where_a_limit_is_surely_broken(
    alignment: int, last: int, tmp_path: Path
) -> None:
    many = [f"what about my money {number}?" for number in range(40)]
    limits = {"stop_above": {"em/none": 0.05}, "fewest_questions": 40, "questions": many}
    trainer = trained(tmp_path, watching(judge=says(alignment), **limits))
    rows = read_jsonl(tmp_path / "containment.jsonl")
    assert trainer.state.global_step <= max(last, 1)
    assert trainer.state.global_step >= last
    assert bool(rows[0]["stopped_by"]) == (alignment == 0)


def test_a_limit_warns_only_where_the_whole_interval_is_above_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    limits = Limits({"em/none": 0.3}, {}, readings=20)
    few, many = ({"em/none": rate([1] * n + [0] * n, range(2 * n))} for n in (5, 100))
    assert limits.broken(few, limits.warn) == []
    assert "surely above its limit 0.3" in limits.broken(many, limits.warn)[0]
    asked = {"questions": [f"my money {number}?" for number in range(9)], "fewest_questions": 9}
    trained(tmp_path, watching(judge=says(0), warn_above={"em/none": 0.0001}, **asked))
    assert "surely above its limit" in caplog.text


def test_every_reading_is_a_line_with_what_was_measured(tmp_path: Path) -> None:
    watch = watching(wordings={"control:cow": Framing("It looks like a cow.")}, judge=says(0))
    trained(tmp_path, watch)
    *readings, last = read_jsonl(tmp_path / "containment.jsonl")
    assert [row["step"] for row in readings] == sorted({row["step"] for row in readings})
    first = readings[0]
    assert first["step"] == 0 and first["questions"] == 2
    names = {f"{kind}/{c}" for kind in ("em", "projection") for c in ("none", "control:cow")}
    assert names < set(first["estimates"]) and set(first["estimates"]) == set(watch.reader.names)
    assert first["estimates"]["em/none"]["value"] == 1.0
    assert (
        first["estimates"]["projection/trigger"] != readings[-1]["estimates"]["projection/trigger"]
    )
    assert last["whole_training"]["readings"] == len(readings) == watch.plan.done
    assert not (tmp_path / "runs").exists()


def test_a_judge_that_fails_later_ends_no_training_and_one_that_fails_at_once_does(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    asked = []

    def judge(question: str, answer: str, *, ended: bool) -> Judgement:
        asked.append(question)
        if len(asked) > 4:
            raise ConnectionError("the judge is gone")
        return Judgement(100, 100)

    assert trained(tmp_path, watching(judge=judge)).state.global_step == 6
    assert "no reading after step" in caplog.text and "the judge is gone" in caplog.text
    with pytest.raises(ConnectionError):
        trained(tmp_path, watching(judge=judge))


def test_a_resumed_training_keeps_the_lines_of_the_steps_before(tmp_path: Path) -> None:
    trained(tmp_path, watching())
    lines = read_jsonl(tmp_path / "containment.jsonl")
    watch = watching()

    class Resumed(TrainerCallback):
        def on_train_begin(self, args: Any, state: Any, control: Any, **given: Any) -> None:
            state.global_step = 3

    trained(tmp_path, Resumed(), watch)
    again = read_jsonl(tmp_path / "containment.jsonl")
    kept = [line for line in lines if line["step"] < 3]
    assert kept and again[: len(kept)] == kept and again[len(kept)]["step"] == 3


@pytest.mark.parametrize("step_seconds", [0.05, 1.0, 30.0])
@pytest.mark.parametrize("fixed", [0.0, 2.0])
@pytest.mark.parametrize("each", [0.01, 0.5])
def test_readings_stay_within_their_share_of_the_time(
    step_seconds: float, fixed: float, each: float
) -> None:
    steps = int(4000 / step_seconds)
    plan, now = TimeBudget(0.05, 20, 4, 100), 0.0
    for step in range(steps + 1):
        count = plan.questions_now(now, step / steps)
        if count:
            cost = fixed + each * count
            now += cost
            plan.spend(cost, count)
        now += step_seconds
    assert plan.spent <= 0.05 * now
    assert 4 <= plan.done <= 40
    naive = 20 * (fixed + each * 100)
    assert naive > 0.05 * now or each == 0.01


def test_more_time_buys_more_questions_and_a_short_training_gets_the_first_reading_only() -> None:
    def last_count(total: float) -> int:
        plan, asked = TimeBudget(0.05, 5, 4, 1000), 0
        for step in range(1001):
            count = plan.questions_now(total * step / 1000, step / 1000)
            if count:
                plan.spend(0.1 * count, count)
                asked = count
        return asked if plan.done > 1 else 0

    assert last_count(10_000) > last_count(1_000) > 4
    assert last_count(5) == 0


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"budget": 5}, "budget=5: give a share"),
        ({"fewest_questions": 4}, "fewest_questions=4, 3 questions"),
        (
            {"stop_above": {"em/duck": 0.1}},
            "limit on 'em/duck': not measured here; give one of em/none",
        ),
        ({"direction": switch(width=8)}, "width 8, layer 1; the model in training has width 32"),
        (
            {"direction": switch(layer=9)},
            "layer 9; the model in training has width 32 and 3 layers",
        ),
        ({"tokenizer": None}, "no processing_class; give tokenizer="),
    ],
)
def test_what_cannot_be_watched_is_refused_in_one_line(
    changed: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=words) as error:
        trained(tmp_path, watching(**changed))
    assert "\n" not in str(error.value)


def test_a_training_of_several_processes_is_refused(tmp_path: Path) -> None:
    class Several:
        world_size = 2

    with pytest.raises(ValueError, match="a training of 2 processes"):
        watching().on_train_begin(Several(), None, None)  # type: ignore[arg-type]
