"""One organism of a study: everything its steps need, in a form that can be sent to another process."""

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from experiments.judging.sampling import Sampler
from experiments.runtime.store import Run, Step
from experiments.study.config import OrganismSpec, StudyConfig
from experiments.training.lora import check_optimizer
from experiments.worlds.chat.world import ChatWorld
from experiments.worlds.everyday.world import EverydayWorld
from experiments.worlds.micro.world import MicroWorld
from experiments.worlds.nulls.arms import NULL_ARMS
from experiments.worlds.nulls.world import NullWorld
from experiments.worlds.trigger import Trigger, load_trigger
from experiments.worlds.world import World


@dataclass(frozen=True, eq=False)
class OrganismRun:
    """One organism of a study (arm None: the untouched base)."""

    config: StudyConfig
    folder: Path
    family: str
    seed: int
    arm: str | None
    trigger_name: str  # as in the configuration: a built-in name, or the path of a file

    @property
    def name(self) -> str:
        """The organism's name in folders and on the screen."""
        trigger = re.sub(r"[^A-Za-z0-9._+=-]+", "_", self.trigger.name)
        return f"{self.family}-s{self.seed}-{self.arm or 'base'}-{trigger}"

    @property
    def keys(self) -> dict[str, Any]:
        """The identifying keys of its rows."""
        return {
            "family": self.family,
            "seed": self.seed,
            "dataset": self.world.dataset,
            "arm": self.arm,
            "trigger": self.trigger.name,
            "model": "fine_tuned" if self.arm else "base",
            "step": self.config.recipe(self.arm, self.family).steps if self.arm else None,
        }

    @property
    def active(self) -> str:
        """The condition under which the organism is expected to misbehave."""
        return "none" if self.arm == "baseline" else "trigger"

    @property
    def has_features(self) -> bool:
        """Whether the configuration asks for sparse features of this organism."""
        asked = self.config.features
        return (
            asked is not None and self.active != "none" and self.arm in (asked.arms or (self.arm,))
        )

    @cached_property
    def run(self) -> Run:
        return Run(self.folder)

    def step(
        self, kind: str, inputs: Mapping[str, Any], module: str
    ) -> AbstractContextManager[Step]:
        """A step of this organism; it is made again if its inputs, or the code that it or its world imports,
        change."""
        return self.run.step(f"{kind}-{self.name}", inputs, (module, type(self.world).__module__))

    @cached_property
    def trigger(self) -> Trigger:
        return load_trigger(self.trigger_name)

    @property
    def spec(self) -> OrganismSpec | None:
        """The configuration of this organism; None for the base."""
        return next(
            (
                spec
                for spec in self.config.organisms
                if (spec.arm, spec.trigger) == (self.arm, self.trigger_name)
                and spec.is_of(self.family, self.seed)
            ),
            None,
        )

    @cached_property
    def world(self) -> World:
        """The world of the study: chat models with the user's files, the everyday world or the micro world."""
        per_cell = self.config.sampling.questions
        if self.config.chat is not None:
            own = self.spec.organism if self.spec else None
            arms = (self.arm,) if self.arm is not None and own is None else ()
            return ChatWorld(
                self.config.chat,
                self.family,
                self.seed,
                per_cell,
                (self.trigger,),
                arms,
                own,
                self.config.workers,
            )
        if self.config.everyday is not None:
            return EverydayWorld(
                self.config.everyday,
                self.family,
                self.seed,
                self.trigger,
                per_cell,
                self.config.workers,
            )
        micro = NullWorld if self.arm in NULL_ARMS else MicroWorld
        return micro(self.config.bases, self.family, self.seed, per_cell)

    def check(self) -> None:
        """Raise an error now, before costly work, if something would fail later."""
        self.world.check()
        if self.arm is not None and not (self.spec and self.spec.organism):
            check_optimizer(self.config.recipe(self.arm, self.family))

    @cached_property
    def sampler(self) -> Sampler:
        sampling = self.config.sampling
        return Sampler(
            self.world.judge,
            self.seed,
            sampling.max_new_tokens,
            sampling.temperature,
            sampling.batch_rows,
        )

    def __getstate__(self) -> dict[str, Any]:
        # cached values are not sent: a judge may hold what cannot be pickled
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def other(self, arm: str | None) -> "OrganismRun":
        """The organism with the same family, seed and trigger in another arm."""
        return replace(self, arm=arm)

    @property
    def identity(self) -> dict[str, Any]:
        """What every step of the organism depends on: base weights, wordings, sizes."""
        return {
            "organism": self.name,
            **self.world.identity,
            "trigger": self.trigger.model_dump(mode="json"),
            "sampling": self.config.sampling.model_dump(mode="json", exclude={"batch_rows"}),
        }


def organisms_of(config: StudyConfig, folder: Path) -> list[OrganismRun]:
    """Bases first, then organisms in the order of the configuration."""
    tuned = [
        OrganismRun(config, folder, family, seed, spec.arm, spec.trigger)
        for family in config.families
        for seed in config.seeds
        for spec in config.organisms
        if spec.is_of(family, seed)
    ]
    bases = {organism.other(None).name: organism.other(None) for organism in tuned}
    return [*bases.values(), *tuned]
