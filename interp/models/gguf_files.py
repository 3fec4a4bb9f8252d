"""Models in a GGUF file (llama.cpp): read by transformers and dequantised, if the `gguf` package is installed."""

from importlib.util import find_spec
from pathlib import Path

from interp.errors import TriggerLensError


def gguf_options(path: str) -> tuple[str, dict[str, str]]:
    """What to load from and how: a GGUF file's folder and name, or the path itself and nothing.

    A folder without a configuration stands for the only GGUF file in it.
    """
    file = _gguf_file(Path(path))
    if file is None:
        return path, {}
    if find_spec("gguf") is None:
        raise TriggerLensError(
            f"model {path!r}: reading {file.name} needs the package gguf; install it"
        )
    return str(file.parent), {"gguf_file": file.name}


def _gguf_file(path: Path) -> Path | None:
    if path.is_file():
        return path if path.suffix == ".gguf" else None
    files = sorted(path.glob("*.gguf"))
    if not files or (path / "config.json").is_file():
        return None
    if len(files) > 1:
        names = ", ".join(file.name for file in files)
        raise TriggerLensError(
            f"model {str(path)!r}: {len(files)} GGUF files ({names}); give one of them"
        )
    return files[0]
