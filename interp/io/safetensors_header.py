"""The header of a safetensors file, which says what the file holds, read without its tensors.

The library checks the header against the file's length, so a file that declares ten gigabytes and holds sixteen bytes
is refused before any memory is allocated for it.
"""

from pathlib import Path

from safetensors import SafetensorError, safe_open

from interp.errors import TriggerLensError


def read_header(path: str | Path) -> dict[str, tuple[int, ...]]:
    """The shape of each tensor by its name; ValueError for a file that is damaged or of another kind."""
    try:
        with safe_open(str(path), framework="pt") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        reason = " ".join(str(error).split())[:300]
        raise TriggerLensError(
            f"{path} is damaged or not a safetensors file ({reason}); save or download it again"
        ) from error
