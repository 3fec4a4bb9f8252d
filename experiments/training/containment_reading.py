"""One measurement of a model: EM under every wording, the gaps to no wording, and projections on a direction.

| name | meaning |
|---|---|
| `em/CONDITION` | misaligned answers over all answers |
| `coherence/CONDITION` | coherent answers over all answers |
| `gap/CONDITION` | EM under the condition minus EM under "none", paired over questions |
| `projection/CONDITION` | mean of the stream's coordinate on the direction at the last prompt token, in its `scale` |

Intervals are over questions. The same seed gives the same random numbers for a prompt at every reading.
Limit: the direction may not mean the same in this model as in the one it was fitted to.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from experiments.judging.rates import coherence_rate, containment_gap, em_rate
from experiments.judging.sampling import Sampler
from interp.capture.api import capture
from interp.directions import Direction
from interp.errors import TriggerLensError
from interp.models.loading import LanguageModel
from interp.prompts import Framing, PromptSet, Question
from probes.estimate import Estimate, mean

NONE = "none"
Estimates = dict[str, Estimate]


@dataclass(frozen=True)
class Reader:
    """What is measured at every reading, and how."""

    questions: Sequence[Question]
    framings: Mapping[str, Framing]
    sampler: Sampler
    samples: int
    direction: Direction | None

    @property
    def names(self) -> list[str]:
        """The names of all numbers of a reading."""
        kinds = ("em", "coherence", "gap", *(["projection"] if self.direction else []))
        every = [f"{kind}/{condition}" for kind in kinds for condition in self.framings]
        return [name for name in every if name != f"gap/{NONE}"]

    def check(self, lm: LanguageModel) -> None:
        """Raise if a direction does not fit this model."""
        direction = self.direction
        if direction and (len(direction.vector) != lm.d_model or direction.layer >= lm.n_layers):
            raise TriggerLensError(
                f"direction {direction.name!r}: width {len(direction.vector)}, layer {direction.layer}; the model in"
                f" training has width {lm.d_model} and {lm.n_layers} layers; give one of its own"
            )

    def read(self, lm: LanguageModel, count: int) -> Estimates:
        """The numbers of the first `count` questions."""
        prompts = lm.prompts(self.questions[:count], self.framings)
        cell = self.sampler.sample(lm, prompts, self.samples)
        conditions = cell.completions.conditions
        said = {
            name: cell[[row for row, of in enumerate(conditions) if of == name]].judged
            for name in self.framings
        }
        found = {f"em/{name}": em_rate(answers) for name, answers in said.items()}
        found |= {f"coherence/{name}": coherence_rate(answers) for name, answers in said.items()}
        for name in self.framings:
            if name != NONE:
                found[f"gap/{name}"] = containment_gap(said[name], said[NONE])
        return found | self._projections(lm, prompts)

    def _projections(self, lm: LanguageModel, prompts: PromptSet) -> Estimates:
        if self.direction is None:
            return {}
        layer, vector = self.direction.layer, self.direction.vector
        found = {}
        for name in self.framings:
            read = capture(lm, prompts.where(condition=name), layers=[layer])
            coordinates = read.at(layer).float() @ vector.float().cpu() / self.direction.scale
            found[f"projection/{name}"] = mean(coordinates, read.questions)
        return found
