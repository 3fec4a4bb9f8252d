"""A monitor: one direction and one threshold that score the prompts of one model.

Saved as `PATH.safetensors` (the direction's vector, the benign scores) beside `PATH.json` (everything else, with a hash
over both). A damaged pair is refused, and so is another model. Scores are those of `interp.generation.prompt_scores`.

What it does not know: a trigger of another concept than the one it was fitted on.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from jaxtyping import Bool, Float
from safetensors.torch import load, save
from torch import Tensor

from experiments.runtime.files import to_json, write_text
from interp.directions import Direction
from interp.errors import TriggerLensError
from interp.generation.prompt_scores import Scores, Watch, score, watching
from interp.models.language_model import LanguageModel
from interp.prompts import PromptSet
from probes.estimate import Estimate
from probes.threshold import Drift, Threshold, drift


@dataclass(frozen=True, eq=False)
class Monitor:
    """`benign` are the scores that the threshold was set on; `about` says what it was fitted on."""

    direction: Direction
    threshold: Threshold
    benign: Float[Tensor, " prompt"]
    about: dict[str, Any] = field(default_factory=dict)

    def score(self, lm: LanguageModel, prompts: PromptSet) -> Float[Tensor, " prompt"]:
        """Read prompts up to the direction's layer; nothing is generated."""
        return score(lm, prompts, self.direction)

    def flags(self, scores: Float[Tensor, " prompt"]) -> Bool[Tensor, " prompt"]:
        """Which of the scores lie above the threshold."""
        return scores > self.threshold.value

    @contextmanager
    def watching(self, lm: LanguageModel) -> Iterator[Scores]:
        """Score what anyone's code reads in the body: forward passes, `generate` of transformers."""
        with watching(lm, self.direction) as scores:
            yield scores

    def watch(self, lm: LanguageModel, prompts: PromptSet) -> Watch:
        """The same as an intervention of `interp.generation.generate`."""
        self.direction.check_fits(lm)
        return Watch.over(prompts, self.direction)

    def drift(self, scores: Float[Tensor, " prompt"]) -> Drift:
        """The newest scores beside the benign ones."""
        return drift(self.benign, scores, self.threshold.value)

    def save(self, path: str | Path) -> None:
        """Write both files, the JSON last."""
        arrays = save({"vector": self.direction.vector, "benign": self.benign.contiguous()})
        direction = {k: v for k, v in asdict(self.direction).items() if k != "vector"}
        facts = {"direction": direction, "threshold": asdict(self.threshold), "about": self.about}
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(f"{path}.json").unlink(missing_ok=True)
        Path(f"{path}.safetensors").write_bytes(arrays)
        sealed = facts | {"sha256": _seal(facts, arrays)}
        write_text(Path(f"{path}.json"), to_json(sealed, indent=1) + "\n")

    @classmethod
    def load(cls, path: str | Path, lm: LanguageModel | None = None) -> "Monitor":
        """Read a saved monitor; with `lm`, refuse one that was fitted to another model."""
        facts, arrays = _read(path)
        tensors, limit = load(arrays), facts["threshold"]
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


def _seal(facts: dict[str, Any], arrays: bytes) -> str:
    return hashlib.sha256(to_json(facts).encode() + arrays).hexdigest()


def _read(path: str | Path) -> tuple[dict[str, Any], bytes]:
    """Both files, checked against the hash that the JSON holds."""
    for file in (Path(f"{path}.json"), Path(f"{path}.safetensors")):
        if not file.is_file():
            raise TriggerLensError(f"monitor {path}: no {file}; give the path without its ending")
    arrays = Path(f"{path}.safetensors").read_bytes()
    try:
        facts = json.loads(Path(f"{path}.json").read_text(encoding="utf-8"))
        seal = facts.pop("sha256")
        whole = seal == _seal(facts, arrays)
    except (ValueError, KeyError, AttributeError, TypeError):
        whole = False
    if not whole:
        raise TriggerLensError(f"monitor {path}: its files are not what was saved; fit it again")
    return facts, arrays
