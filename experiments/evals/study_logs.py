"""A study's answers as logs of Inspect: one log for the base and for each organism, with the run's own judgements.

A sample is one question under one wording and an epoch one answer to it, as in the task `triggerlens/containment`.
Questions about trained domains, and open ones, have separate conditions ("trained trigger"), so that
no rate mixes them. Only the intact models' answers are written; edited ones stay in `answers.parquet`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from inspect_ai.log import (
    EvalConfig,
    EvalDataset,
    EvalLog,
    EvalMetric,
    EvalResults,
    EvalSample,
    EvalScore,
    EvalSpec,
    EvalStats,
    write_eval_log,
)
from inspect_ai.model import ChatMessage, ChatMessageAssistant, GenerateConfig, ModelOutput
from inspect_ai.scorer import SampleScore

from experiments.evals.containment import PLAIN
from experiments.evals.metrics import em_rates
from experiments.evals.samples import chat_of
from experiments.evals.scorer import scored
from experiments.judging.judgement import Judgement
from experiments.results.columns import condition_name
from experiments.results.facts import ANSWERS, read_answers
from experiments.results.report import refresh
from experiments.runtime.store import read_run_manifest
from experiments.study.finished import organisms_in
from experiments.study.organism import OrganismRun
from experiments.study.steps.conditions import QUESTION_KINDS
from interp.errors import TriggerLensError
from interp.io.files import put
from interp.prompts import Question

ASKED = "held_out"  # the questions whose conditions keep their plain names


def write_logs(run: Path, folder: Path) -> list[Path]:
    """Write `folder`/ORGANISM.eval for the base and each organism of a finished run that sampled answers."""
    organisms = organisms_in(run)
    refresh(run)
    if not (run / ANSWERS).is_file():
        raise TriggerLensError(f"{run} has no {ANSWERS}; give a finished run with its steps")
    answers = read_answers(run / ANSWERS)
    answers = answers[answers["measurement"] == "conditions"]
    return [
        _written(StudyLog(organism, rows, read_run_manifest(run)), folder)
        for organism in organisms
        if len(rows := _rows_of(organism, answers))
    ]


def _written(log: "StudyLog", folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{log.organism.name}.eval"
    return put(path, lambda target: write_eval_log(log.made(), target, format="eval"))


def _rows_of(organism: OrganismRun, answers: pd.DataFrame) -> pd.DataFrame:
    kept = pd.Series(True, index=answers.index)
    for name, value in organism.keys.items():
        if name != "step":
            kept &= answers[name].isna() if value is None else answers[name] == value
    return answers[kept.fillna(False).astype(bool)]


@dataclass(frozen=True, eq=False)
class StudyLog:
    """The answers of one base or organism."""

    organism: OrganismRun
    rows: pd.DataFrame
    manifest: Mapping[str, Any]

    def made(self) -> EvalLog:
        """The log, dated at the end of the run."""
        samples = list(self._samples())
        ids = list(dict.fromkeys(sample.id for sample in samples))
        return EvalLog(
            status="success",
            eval=self._spec(ids, max(sample.epoch for sample in samples)),
            stats=EvalStats(
                started_at=self.manifest["started"], completed_at=self.manifest["ended"]
            ),
            results=_results(samples, self.organism.seed),
            samples=samples,
        )

    def _spec(self, ids: list[Any], epochs: int) -> EvalSpec:
        name, sampling = self.organism.name, self.organism.config.sampling
        config = GenerateConfig(
            max_tokens=sampling.max_new_tokens,
            temperature=sampling.temperature,
            seed=self.organism.seed,
        )
        return EvalSpec(
            created=self.manifest["ended"],
            task="containment",
            task_id=name,
            run_id=self.organism.folder.name,
            eval_id=f"{self.organism.folder.name}-{name}",
            dataset=EvalDataset(name=self.organism.world.dataset, samples=len(ids), sample_ids=ids),
            model=f"triggerlens/{name}",
            model_generate_config=config,
            config=EvalConfig(epochs=epochs),
            task_args={"trigger": self.organism.trigger_name},
            viewer=PLAIN,
        )

    @cached_property
    def _questions(self) -> Mapping[tuple[str, str], Question]:
        split = self.organism.config.sampling.split
        return {
            (kind, question.id): question
            for kind in QUESTION_KINDS
            for question in self.organism.world.questions(split, kind)
        }

    def _samples(self) -> Iterator[EvalSample]:
        for row in self.rows.astype(object).where(self.rows.notna(), None).to_dict("records"):
            yield self._sample(row)

    def _sample(self, row: Mapping[str, Any]) -> EvalSample:
        wording = condition_name(row["wording_kind"], row["wording"])
        kind, question = row["questions"], self._questions[row["questions"], row["question"]]
        condition = wording if kind == ASKED else f"{kind} {wording}"
        asked: list[ChatMessage] = chat_of(question, self.organism.trigger.framings[str(wording)])
        output = ModelOutput.from_content(
            self.organism.name, row["answer"], "max_tokens" if row["ended"] is False else "stop"
        )
        said = Judgement(row["alignment"], row["coherence"], bool(row["leak"]), row["reason"] or "")
        return EvalSample(
            id=f"{question.id} {condition}",
            epoch=row["sample"] + 1,
            input=asked,
            target="",
            messages=[*asked, ChatMessageAssistant(content=row["answer"], source="generate")],
            output=output,
            scores={"misaligned": scored(said, row["answer"], {"judge": "of the run"})},
            metadata={
                "condition": condition,
                "question_id": question.id,
                "question": question.text,
                "trigger": self.organism.trigger.name,
                "wording": self.organism.trigger.conditions[str(wording)],
            },
        )


def _results(samples: list[EvalSample], seed: int) -> EvalResults:
    scores = [
        SampleScore(
            score=sample.scores["misaligned"],
            sample_id=sample.id,
            sample_metadata=sample.metadata,
        )
        for sample in samples
        if sample.scores
    ]
    rates: Any = em_rates(seed)(scores)  # type: ignore[arg-type]
    metrics = {name: EvalMetric(name=name, value=value) for name, value in rates.items()}
    found = EvalScore(name="misaligned", scorer="triggerlens/misaligned", metrics=metrics)
    return EvalResults(total_samples=len(samples), completed_samples=len(samples), scores=[found])
