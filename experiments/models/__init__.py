"""Small pretrained models without a model hub. Only this package turns a model's name into a folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.models.resolve import resolve

if TYPE_CHECKING:
    from interp.models.language_model import LanguageModel

__all__ = ["load_model", "resolve"]


def load_model(path: str | Path, **options: Any) -> "LanguageModel":
    """`interp.models.loading.load_model`, which also accepts names of the catalogue and GGUF files."""
    from interp.models import loading as models

    return models.load_model(resolve(path), **options)
