"""Loads what the page shows: a model with its adapter, directions, a monitor, the wordings of a trigger file.

Without an adapter, the model is the organism whose files are in the repository. Small files are read before a model is
loaded; anything fitted to other weights is an error.
"""

from collections.abc import Sequence
from pathlib import Path

from experiments.guard.monitor import Monitor
from experiments.guard.search.models import live_pair
from experiments.live.organism import Organism
from experiments.models.options import ModelOptions
from experiments.worlds.trigger import load_trigger
from interp.directions import Direction
from interp.errors import TriggerLensError
from interp.models.language_model import LanguageModel

EMBEDDED = Path("artifacts/organism")
EMBEDDED_BASE = "artifacts/micro/gemma"
MONITOR = "monitor"  # the name of the monitor's direction


def load_organism(
    adapter: str | Path | None = None,
    base: str | None = None,
    *,
    directions: Sequence[str | Path] = (),
    monitor: str | Path | None = None,
    trigger: str | None = None,
    loading: ModelOptions = ModelOptions(),  # noqa: B008
) -> Organism:
    """The organism of these files, or the one that ships; an error of one line if files do not belong together.

    `directions` and `monitor` are paths without ending; `trigger` is a shipped trigger's name or a TOML file.
    """
    if adapter is None:
        check_shipped(EMBEDDED, base)
        adapter, base = EMBEDDED, EMBEDDED_BASE
        directions = directions or (EMBEDDED / "duck",)
        monitor, trigger = monitor or EMBEDDED / "monitor", trigger or "duck"
    if base is None:
        raise TriggerLensError(
            f"adapter {adapter}: name the model it was made from with --base, a folder or a name on the hub"
        )
    wordings = load_trigger(trigger).framings if trigger else {}
    for path in directions:
        Direction.load(path)
    watcher = None if monitor is None else Monitor.load(monitor)
    lm = live_pair(str(adapter), base, loading).fine_tuned
    known = _named(lm, directions)
    if watcher is not None:
        known = {**known, MONITOR: watcher.direction}
    return Organism(lm, known, watcher, wordings)


def check_shipped(folder: Path, base: str | None) -> None:
    """Raise if no adapter is named and the one that ships is not there, or if only a base is named."""
    if base is not None:
        raise TriggerLensError(
            f"--base {base} is given without an adapter: name the adapter's folder too"
        )
    if not folder.is_dir():
        raise TriggerLensError(
            f"no {folder}: without an adapter, the command must run in the root of the repository;"
            " change to it, or name an adapter folder and --base"
        )


def _named(lm: LanguageModel, paths: Sequence[str | Path]) -> dict[str, Direction]:
    """The directions by file name (by path if two share it), each checked against the weights."""
    stems = [str(path).removesuffix(".safetensors").removesuffix(".json") for path in paths]
    short = [Path(stem).name for stem in stems]
    names = short if len({*short, MONITOR}) == len(short) + 1 else stems
    return {
        name: Direction.load(stem, model_hash=lm.weights_hash)
        for name, stem in zip(names, stems, strict=True)
    }
