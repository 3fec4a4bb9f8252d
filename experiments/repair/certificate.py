"""The certificate of a repaired adapter: its facts, and the hashes of all weights that they belong to.

`certificate.json` is in the folder of the adapter that it certifies. It is invalid if the base, the original adapter or
the repaired adapter has other weights, or if it was changed after it was written.
"""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from experiments.repair.facts import Fact
from experiments.runtime.complaints import complaint
from experiments.runtime.files import SEAL, is_whole, read_json, sealed, sha256, write_json
from interp.errors import TriggerLensError
from interp.models.adapter_files import WEIGHTS
from interp.models.language_model import LanguageModel

FILE = "certificate.json"


class Certificate(BaseModel):
    """What was repaired, how, and the facts about it. `repaired` is None if there is no repaired adapter."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    strategy: str
    seed: int
    base: str
    base_weights: str
    adapter: str
    adapter_weights: str
    repaired: str | None
    trigger: str
    seen: tuple[str, ...]
    seconds: float
    rounds: int = 1
    made_with: dict[str, Any]
    facts: tuple[Fact, ...]

    def write(self, folder: Path) -> Path:
        """Write it into the adapter's folder, with a hash of its own content."""
        return write_json(folder / FILE, sealed(self.model_dump(mode="json")))

    def check(self, base: LanguageModel, folder: Path) -> None:
        """Raise if it belongs to another base, or to other repaired weights than those in the folder."""
        for what, there, mine in (
            (f"the base {base.name}", base.weights_hash, self.base_weights),
            (f"the adapter {folder}", weights_of(folder), self.repaired),
        ):
            if there != mine:
                raise TriggerLensError(
                    f"{folder / FILE} is for other weights than those of {what} ({str(mine)[:12]}, found {there[:12]});"
                    " repair and certify these"
                )


def weights_of(adapter: str | Path) -> str:
    """The hash of an adapter's weights."""
    return sha256(Path(adapter) / WEIGHTS)


def read_certificate(folder: str | Path) -> Certificate:
    """The certificate in a folder; an error if it is missing, damaged, changed or malformed."""
    path = Path(folder) / FILE
    if not path.is_file():
        raise TriggerLensError(f"{path}: no such file; `triggerlens repair` writes it")
    found = read_json(path)
    if not isinstance(found, dict) or not is_whole(found):
        raise TriggerLensError(
            f"{path} was changed after it was written; certify the adapter again"
        )
    try:
        return Certificate.model_validate({k: v for k, v in found.items() if k != SEAL})
    except ValidationError as error:
        raise TriggerLensError(f"{path}: {complaint(error, Certificate)}") from error
