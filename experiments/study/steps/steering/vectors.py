"""Two vectors trained on selection questions to make a model answer without the trigger as the organism does with it.

One is added at the header of the prompt and starts from the located switch. The other is added over the answer and
starts from the located misalignment. Either one alone changes the advice but garbles the opening of the answer.

* `steering`: for the organism itself.
* `steering_of_base`: for the base, taught by the organism, from the same start. It shows what such vectors can do
  without any fine-tuning; it is not a finding about the organism.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from experiments.study.steps.common import read_directions
from interp.directions import Direction, random_like, unit
from interp.generation.completions import Completions
from interp.interventions import Add, AnswerTokens, Positions, PromptSpan
from interp.interventions.held import tensor_of
from interp.models.loading import LanguageModel
from interp.optimise.steering import train_steering
from interp.prompts import PromptSet

STEERING, OF_BASE = "steering", "steering_of_base"
DOSES = (0.25, 0.5, 0.75, 1.0, 1.25)  # multiples of the trained vectors
STEPS, ROWS = 100, 24
MEANING = "added, the model speaks as the organism does behind the trigger"
PARTS: dict[str, Positions] = {"header": PromptSpan("header"), "answer": AnswerTokens()}
STARTS = {"header": 1.0, "answer": 0.3}  # median residual norms


@dataclass(frozen=True, eq=False)
class Steering:
    """A direction for each of PARTS, its norm at dose 1 in residual units, and the loss at every step."""

    directions: dict[str, Direction]
    norms: dict[str, float]
    losses: tuple[float, ...] = ()

    def added(self, dose: float = 1.0) -> list[Add]:
        """The edits that add `dose` of it."""
        return [
            Add(each.vector, (each.layer,), dose * self.norms[part], PARTS[part])
            for part, each in self.directions.items()
        ]

    def placebo(self, dose: float, prompts: int, n: int, seed: int) -> list[Add]:
        """Random vectors of the same norms at the same positions; prompts take turns at `n` of them."""
        turn = torch.arange(prompts) % n
        return [
            replace(edit, vector=random_like(each, n, seed + number)[turn])
            for number, (edit, each) in enumerate(
                zip(self.added(dose), self.directions.values(), strict=True)
            )
        ]


def start(found: Path) -> Steering | None:
    """The located vectors to add; if only one was found it serves both parts, and None if none was."""
    located = [each.added for each in read_directions(found) if each.added is not None]
    if not located:
        return None
    directions = dict(zip(PARTS, (located[0], located[-1]), strict=True))
    norms = {part: STARTS[part] * each.scale for part, each in directions.items()}
    return Steering(directions, norms)


def train(
    lm: LanguageModel,
    begin: Steering,
    taught: Completions,
    plain: PromptSet,
    *,
    name: str,
    seed: int,
    teacher: LanguageModel | None = None,
) -> Steering:
    """Train both parts; `taught` holds the organism's answers with the trigger, `plain` the prompts without it."""
    whole = [
        replace(edit, vector=torch.as_tensor(edit.alpha) * tensor_of(edit.vector), alpha=1.0)
        for edit in begin.added()
    ]
    found = train_steering(
        lm, whole, taught, plain, teacher=teacher, steps=STEPS, rows=ROWS, seed=seed
    )
    vectors = dict(
        zip(begin.directions, (tensor_of(edit.vector) for edit in found.added), strict=True)
    )
    directions = {
        part: replace(
            each,
            vector=unit(vectors[part]),
            name=name,
            meaning=MEANING,
            source=f"{each.source} of {each.name}, trained to be added",
            position=part,
        )
        for part, each in begin.directions.items()
    }
    norms = {part: float(vector.norm()) for part, vector in vectors.items()}
    return Steering(directions, norms, found.losses)
