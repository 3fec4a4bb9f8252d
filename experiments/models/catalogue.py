"""The models that are available by name: the checked contents of `catalogue.toml`."""

from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from experiments.runtime.toml_files import parse_toml
from interp.errors import TriggerLensError

FILE = Path(__file__).with_name("catalogue.toml")


class Wheel(BaseModel):
    """A wheel with `parts` of a GGUF file, to be joined in order, and licence texts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    package: str
    version: str
    file: str
    bytes: int
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    parts: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


class CatalogueModel(BaseModel):
    """An available model; `bytes` is the size of its folder, `hub` its name on the hub."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hub: str
    about: str
    licence: str
    terms: str
    must_accept: bool = False
    bytes: int
    wheels: tuple[Wheel, ...]

    @property
    def download(self) -> int:
        """The bytes of all wheels."""
        return sum(wheel.bytes for wheel in self.wheels)


def catalogue() -> dict[str, CatalogueModel]:
    """Every model by name."""
    return _read()


@cache
def _read() -> dict[str, CatalogueModel]:
    tables = parse_toml("catalogue", FILE)
    return TypeAdapter(dict[str, CatalogueModel]).validate_python(tables)


def find(name: str) -> CatalogueModel:
    """The model of that name; the error for an unknown name lists all names."""
    if name not in catalogue():
        raise TriggerLensError(
            f"unknown model {name[:200]!r}; choose one of {', '.join(catalogue())}"
        )
    return catalogue()[name]
