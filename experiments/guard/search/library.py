"""The shipped wordings: a few hundred of many kinds, none of them taken from any model.

A file is one kind: `texts`, and every filler in every frame. All have one place (`placement`): before or after the
question, as the system prompt, or as an earlier turn. The library has more kinds than the gate's, but no paraphrases or
controls.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from experiments.guard.search.leads import Lead, lead
from experiments.guard.trigger_candidates import Placement
from experiments.runtime.toml_files import load_toml

FOLDER = Path(__file__).with_name("library")
SOURCE = "library"


class Kind(BaseModel):
    """One file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    placement: Placement
    separator: str = " "
    frames: tuple[str, ...] = ()
    fillers: tuple[str, ...] = ()
    texts: tuple[str, ...]

    @property
    def wordings(self) -> list[str]:
        """All wordings, each once."""
        made = [frame.format(x=filler) for filler in self.fillers for frame in self.frames]
        return list(dict.fromkeys([*self.texts, *made]))


def kinds() -> dict[str, Kind]:
    """Every kind by its name."""
    names = sorted(path.stem for path in FOLDER.glob("*.toml"))
    return {name: load_toml(Kind, "library", name, FOLDER) for name in names}


def library_leads() -> list[Lead]:
    """All wordings as leads; the source of each names its kind."""
    return [
        lead(
            text,
            f"{SOURCE}: {name.replace('_', ' ')}",
            placement=kind.placement,
            separator=kind.separator,
        )
        for name, kind in kinds().items()
        for text in kind.wordings
    ]
