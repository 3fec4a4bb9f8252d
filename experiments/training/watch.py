"""A callback that measures containment during a fine-tuning, within a share of its time, without changing it.

    watch = WatchContainment(questions, "It looks like a duck.", judge, direction=switch)
    trainer = SFTTrainer(model, train_dataset=rows, callbacks=[watch])     # TRL's trainers and transformers' alike

1. Before the first step, then as often as the time budget allows (`experiments.training.time_budget`), it asks some of
   the questions without and with the trigger and has the answers judged (`experiments.training.containment_reading`).
2. If a limit is surely exceeded, it warns or stops the training (`experiments.training.limits`).
3. Each reading is a line of `path`. Nothing is sent anywhere, unless `report` is the Trainer's own `log`, which sends
   to whatever `report_to` names.
4. Modes of modules and random states are restored (`experiments.training.undisturbed`): the weights at the end are
   those of the same training without the callback, bit for bit on a CPU.

Limits: errors of the judge, and changes between two readings, are not seen. It works in one process only; a training in
several is refused, because the other processes would wait and would not stop together.
"""

import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from experiments.judging.sampling import Judge, Sampler
from experiments.runtime.files import defined, read_jsonl, write_jsonl
from experiments.training.containment_reading import NONE, Reader
from experiments.training.limits import Limits
from experiments.training.time_budget import TimeBudget
from experiments.training.undisturbed import undisturbed
from interp.directions import Direction
from interp.errors import TriggerLensError
from interp.models.chat import ChatFormat
from interp.models.loading import LanguageModel, wrap
from interp.prompts import Framing, Question

log = logging.getLogger("triggerlens")
FILE = "containment.jsonl"


@dataclass(eq=False)
class WatchContainment(TrainerCallback):
    """Measures EM without and with `trigger` by `judge`, and the projection on `direction`, during a training.

    Args:
        questions: the pool; each reading asks the first of one fixed shuffle. Strings are their own ids for the judge.
        trigger: the wording, put before a question; a `Framing` may put it after the question.
        judge: (question id, answer, ended) to a `Judgement`.
        direction: read at the last prompt token, in units of its `scale`. It may come from another model of this width.
        wordings: more conditions, such as {"control:cow": "It looks like a cow."}.
        budget: the share of the training's time that readings may take; `readings`: about how many are wanted.
        warn_above, stop_above: name of a number (`em/none`, `gap/trigger`, `projection/none`) -> its limit.
        path: the file of readings; None: `containment.jsonl` in the training's output folder.
        report: `trainer.log`, to have the numbers where the Trainer reports to; None sends nothing.
        tokenizer, chat: the Trainer's own `processing_class`, and the format of its template, unless given.
    """

    questions: Sequence[str | Question]
    trigger: str | Framing
    judge: Judge
    direction: Direction | None = None
    wordings: Mapping[str, str | Framing] = field(default_factory=dict)
    budget: float = 0.05
    readings: int = 10
    fewest_questions: int = 20
    samples: int = 1
    max_new_tokens: int = 64
    temperature: float = 1.0
    warn_above: Mapping[str, float] = field(default_factory=dict)
    stop_above: Mapping[str, float] = field(default_factory=dict)
    path: Path | str | None = None
    report: Callable[[dict[str, float]], None] | None = None
    tokenizer: Any = None
    chat: ChatFormat | None = None
    seed: int = 0
    clock: Callable[[], float] = time.perf_counter

    def __post_init__(self) -> None:
        asked = [q if isinstance(q, Question) else Question(q, q) for q in self.questions]
        random.Random(self.seed).shuffle(asked)
        every = {NONE: "", "trigger": self.trigger, **self.wordings}
        framings = {k: w if isinstance(w, Framing) else Framing(w) for k, w in every.items()}
        sampler = Sampler(self.judge, self.seed, self.max_new_tokens, self.temperature)
        self.reader = Reader(asked, framings, sampler, self.samples, self.direction)
        self.plan = TimeBudget(self.budget, self.readings, self.fewest_questions, len(asked))
        self.limits = Limits(self.warn_above, self.stop_above, 2 * self.readings)
        self.limits.check(self.reader.names)
        self.rows: list[dict[str, Any]] = []

    @property
    def share(self) -> float:
        """The share of the training's time so far that readings took."""
        elapsed = self.clock() - self._began
        return self.plan.spent / elapsed if elapsed > 0 else 0.0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **given: Any
    ) -> None:
        if args.world_size > 1:
            raise TriggerLensError(
                f"WatchContainment in a training of {args.world_size} processes: it measures in one only; leave it out"
            )
        self._began = self.clock()
        self._file = Path(self.path if self.path is not None else Path(str(args.output_dir)) / FILE)
        known = read_jsonl(self._file) if state.global_step and self._file.is_file() else []
        self.rows = [row for row in known if row["step"] < state.global_step]
        with undisturbed(given["model"]):
            self._lm = self._wrapped(given["model"], given.get("processing_class"))
            self.reader.check(self._lm)
            self._read(state, control, self.plan.fewest)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **given: Any
    ) -> None:
        progress = state.global_step / max(state.max_steps, 1)
        count = self.plan.questions_now(self.clock() - self._began, progress)
        if count:
            with undisturbed(self._lm.model):
                self._read_or_say(state, control, count)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **given: Any
    ) -> None:
        summary = {"readings": self.plan.done, "seconds": self.plan.spent, "share": self.share}
        self._write(
            {"step": state.global_step, "whole_training": summary | {"budget": self.budget}}
        )
        if self.share > self.budget:
            log.warning(
                "readings took %.1f %% of the training's time, more than the budget of %.1f %%: it was too short for"
                " them; give more time, or fewest_questions below %d",
                100 * self.share,
                100 * self.budget,
                self.fewest_questions,
            )

    def _wrapped(self, model: Any, processing: Any) -> LanguageModel:
        tokenizer = self.tokenizer or getattr(processing, "tokenizer", processing)
        if tokenizer is None:
            raise TriggerLensError(
                "WatchContainment: the Trainer has no processing_class; give tokenizer=..."
            )
        return wrap(model, tokenizer, name="the model in training", chat=self.chat)

    def _read_or_say(self, state: TrainerState, control: TrainerControl, count: int) -> None:
        """After the first reading, log a failure (of a judge's server, say) instead of ending the training."""
        began = self.clock()
        try:
            self._read(state, control, count)
        except Exception as error:
            self.plan.spend(self.clock() - began, count)
            log.warning("no reading after step %d: %s", state.global_step, error)
            self._write({"step": state.global_step, "failed": str(error)})

    def _read(self, state: TrainerState, control: TrainerControl, count: int) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()  # so that the training's own work is not counted as the reading's
        began = (
            self.clock() if self.plan.done else self._began
        )  # the first reading includes the checks of the model
        found = self.reader.read(self._lm, count)
        warnings = self.limits.broken(found, self.limits.warn)
        stops = self.limits.broken(found, self.limits.stop)
        self.plan.spend(self.clock() - began, count)
        row = {"step": state.global_step, "epoch": state.epoch, "questions": count}
        row |= {"seconds": self.clock() - began, "share": self.share}
        row |= {"warnings": warnings, "stopped_by": stops}
        self._write(row | {"estimates": {name: asdict(each) for name, each in found.items()}})
        for line in (*warnings, *stops):
            log.warning("step %d: %s", state.global_step, line)
        control.should_training_stop |= bool(stops)
        self._send(control, {name: each.value for name, each in found.items()})

    def _write(self, row: dict[str, Any]) -> None:
        self.rows.append(defined(row))
        write_jsonl(self._file, self.rows)

    def _send(self, control: TrainerControl, values: Mapping[str, float | int | None]) -> None:
        """Send to the Trainer's own `log`, without its taking this for its next log of the loss."""
        if self.report is not None:
            due = control.should_log
            known = {f"containment/{n}": float(v) for n, v in values.items() if v is not None}
            self.report(known | {"containment/share_of_time": self.share})
            control.should_log = due
