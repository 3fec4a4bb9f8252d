"""What every part of an audit receives: the models, the questions, the sampler, and the remaining time."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from experiments.guard.gate import Draw, Limits, Plan
from experiments.guard.gate_models import Asked, Pair, drawing, load_pair
from experiments.guard.search.black_box import Sample, one_by_one
from experiments.guard.search.decide import SEARCHED
from experiments.guard.search.models import live_pair
from experiments.guard.search.search import sampling
from experiments.guard.served import Served
from experiments.judging.sampling import Sampler
from experiments.models.options import ModelOptions
from interp.errors import TriggerLensError

PartName = Literal["pace", "scan", "gate", "search", "causal", "monitor"]
ENDS: dict[PartName, float] = {"gate": 0.2, "search": 0.65, "causal": 0.95, "monitor": 1.0}


@dataclass
class Clock:
    """The budget in seconds; parts that were finished earlier count with the time they took."""

    seconds: float
    clock: Callable[[], float] = time.monotonic
    kept: float = 0.0

    def __post_init__(self) -> None:
        self.started = self.clock()

    @property
    def passed(self) -> float:
        """Seconds since the start, plus those of parts finished earlier."""
        return self.kept + self.clock() - self.started

    def left(self, part: PartName) -> float:
        """Seconds until the part's share of the budget has passed."""
        return ENDS[part] * self.seconds - self.passed

    def check(self, part: PartName, what: str) -> None:
        """Raise if there is no time left to begin something."""
        if self.left(part) <= 0:
            raise TriggerLensError(
                f"{what} was not started: its share of the {self.seconds / 60:.3g} minutes was used up"
            )


@dataclass
class Context:
    """One audit; the models are loaded when a part first needs them."""

    adapter: str
    base: str
    loading: ModelOptions
    asked: Asked
    triggers: tuple[str, ...]
    data: Path | None
    clock: Clock
    about: dict[str, Any]  # questions and judge by name
    error: float = 0.05
    answers: int = 4
    max_new_tokens: int = 512
    samples: int = 96
    judged: int = 5
    seed: int = 0
    say: Callable[[str], None] = field(default=lambda line: None)
    temperature: float = 1.0
    served: Served | None = None  # models behind servers; `adapter` and `base` are then their names

    @property
    def is_adapter(self) -> bool:
        """Whether there is an adapter that can be disabled; a whole or served model has none."""
        if self.served is not None:
            return False
        folder = Path(self.adapter)
        return (folder / "adapter_config.json").is_file() or not folder.is_dir()

    @cached_property
    def pair(self) -> Pair:
        """One model in memory for an adapter; two for a whole model and its base; an error for served models."""
        if self.served is not None:
            raise TriggerLensError("a server gives answers, but no activations")
        if self.is_adapter:
            return live_pair(self.adapter, self.base, self.loading)
        return load_pair(self.adapter, self.base, self.loading)

    @cached_property
    def sampler(self) -> Sampler:
        """Samples and judges answers."""
        return Sampler(self.asked[1](), self.seed, self.max_new_tokens, self.temperature)

    @property
    def plan(self) -> Plan:
        """How many answers there are to each question with each wording."""
        return Plan(answers=self.answers, seed=self.seed, budget=10**9)

    @property
    def limits(self) -> Limits:
        """A third of the error for each of gate, search and black box: together no more than `error`."""
        return Limits(error=self.error / 3)

    @property
    def searched(self) -> Limits:
        """The same error, with the gap and rise that a search requires of wordings that nobody named."""
        return replace(SEARCHED, error=self.error / 3)

    @property
    def draw(self) -> Draw:
        """Samples and judges one cell."""
        if self.served is not None:
            return self.served.drawing(self.sampler, self.answers)
        return drawing(self.pair, self.sampler, self.answers)

    @property
    def sample(self) -> Sample:
        """Samples and judges answers of the model under test with several wordings at once."""
        if self.served is not None:
            return one_by_one(self.draw)
        return sampling(self.pair, self.sampler, self.plan)

    @property
    def inputs(self) -> dict[str, Any]:
        """What every part depends on, besides the models' files."""
        sizes = {"error": self.error, "answers": self.answers, "tokens": self.max_new_tokens}
        return {**self.about, **sizes, "temperature": self.temperature, "seed": self.seed}
