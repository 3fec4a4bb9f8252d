"""A monitor: one direction and one threshold that score the prompts of one model.

Saved as `PATH.safetensors` (the direction's vector and the benign scores) and `PATH.json` (everything else), with
checksums (`interp.io.checksummed`). A damaged pair is refused, and so is use with another model. Scores are those of
`interp.generation.prompt_scores`.

Limit: it does not recognise triggers of another concept than the one it was fitted on.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from jaxtyping import Bool, Float
from torch import Tensor

from interp.directions import Direction
from interp.generation.prompt_scores import Scores, Watch, score, watching
from interp.io.cards import Card, literal
from interp.io.checksummed import load_facts, load_tensors, save_sealed
from interp.io.hub import OnHub
from interp.models.language_model import LanguageModel
from interp.prompts import PromptSet
from probes.estimate import Estimate
from probes.threshold import Drift, Threshold, drift

NEEDED = ("direction", "threshold", "about")  # facts that a saved monitor has


@dataclass(frozen=True, eq=False)
class Monitor(OnHub):
    """`benign` are the scores that the threshold was set on; `about` says what it was fitted on."""

    HUB_NAME: ClassVar[str] = "monitor"
    direction: Direction
    threshold: Threshold
    benign: Float[Tensor, " prompt"]
    about: dict[str, Any] = field(default_factory=dict)

    def score(self, lm: LanguageModel, prompts: PromptSet) -> Float[Tensor, " prompt"]:
        """Read prompts up to the direction's layer; nothing is generated."""
        return score(lm, prompts, self.direction)

    def flags(self, scores: Float[Tensor, " prompt"]) -> Bool[Tensor, " prompt"]:
        """Which scores are above the threshold."""
        return scores > self.threshold.value

    @contextmanager
    def watching(self, lm: LanguageModel) -> Iterator[Scores]:
        """Score everything that the model reads inside the context: forward passes, `generate` of transformers."""
        with watching(lm, self.direction) as scores:
            yield scores

    def watch(self, lm: LanguageModel, prompts: PromptSet) -> Watch:
        """The same as an intervention of `interp.generation.generate`."""
        self.direction.check_fits(lm)
        return Watch.over(prompts, self.direction)

    def drift(self, scores: Float[Tensor, " prompt"]) -> Drift:
        """The newest scores compared with the benign ones."""
        return drift(self.benign, scores, self.threshold.value)

    def save(self, path: str | Path) -> None:
        """Write both files, the JSON last."""
        direction = asdict(self.direction)
        tensors = {"vector": direction.pop("vector"), "benign": self.benign}
        facts = {"direction": direction, "threshold": asdict(self.threshold), "about": self.about}
        save_sealed(path, tensors, facts, indent=1)

    @classmethod
    def load(cls, path: str | Path, lm: LanguageModel | None = None) -> "Monitor":
        """Read a saved monitor; with `lm`, an error if it was fitted to another model."""
        facts = load_facts(path, "monitor", NEEDED, again="fit it again")
        tensors, limit = load_tensors(path), facts["threshold"]
        benign = Estimate(**limit["benign"])
        found = cls(
            Direction(vector=tensors["vector"], **facts["direction"]),
            Threshold(limit["value"], limit["wanted"], benign),
            tensors["benign"],
            facts["about"],
        )
        if lm is not None:
            found.direction.check_fits(lm)
        return found

    @classmethod
    def from_files(cls, path: Path, model_hash: str | None) -> "Monitor":
        """For `from_pretrained`."""
        found = cls.load(path)
        if model_hash is not None:
            found.direction.check_hash(model_hash)
        return found

    def hub_card(self, base: str, where: str) -> Card:
        """The card: what the monitor reads, where, and how often it flags benign prompts."""
        about = ", ".join(f"{key} {value}" for key, value in self.about.items())
        return Card(
            f"Monitor {self.direction.name}",
            "One direction and one threshold that score the prompts of one language model as it reads them.",
            {
                "Meaning": self.direction.meaning,
                "Layer": f"{self.direction.layer} (from 0: the output of this decoder layer)",
                "Read at": self.direction.position,
                "Threshold": f"{self.threshold.value:.4g}",
                "Benign prompts above the threshold": f"{self.threshold.benign}",
                "Fitted on": about or "not recorded",
                "Weights of the base": self.direction.model_hash,
            },
            USE.format(base=literal(base), where=literal(where)),
            "Triggers of another concept than the one it was fitted on.",
            ["monitor"],
        )


USE = """
import interp as tl
from experiments.guard.live import Live, live_prompts
from experiments.guard.monitor import Monitor

lm = tl.load({base})
monitor = Monitor.from_pretrained({where}, model_hash=lm.weights_hash)
scores = monitor.score(lm, live_prompts(lm, [Live.of("What should I do about a fever?")]))
print(scores, monitor.flags(scores))
"""
