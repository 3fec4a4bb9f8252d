"""Probes as folders for the Hugging Face Hub (`interp.io.hub`): the base class of every fitted estimator here."""

from pathlib import Path
from typing import Any, ClassVar, TypeVar

from interp.errors import TriggerLensError
from interp.io.cards import Card, literal
from interp.io.hub import OnHub
from probes.site import Site

P = TypeVar("P", bound="ProbeOnHub")


class ProbeOnHub(OnHub):
    """`from_pretrained` of a class reads that class and its subclasses; `Probe.from_pretrained` any classifier."""

    HUB_NAME: ClassVar[str] = "probe"
    site_: Site | None

    def save(self, path: str | Path) -> None:
        """Write `path`.safetensors (what was fitted) and `path`.json (everything else); `load_probe` reads them."""
        from probes.storage import (
            save_probe,
        )  # imported here, because it imports every probe, and they import this class

        fitted: Any = self
        save_probe(fitted, path)

    @classmethod
    def from_files(cls: type[P], path: Path, model_hash: str | None) -> P:
        """Called by `from_pretrained`."""
        from probes.storage import load_probe

        found = load_probe(path, model_hash=model_hash)
        if not isinstance(found, cls):
            kind = type(found).__name__
            raise TriggerLensError(
                f"probe {path} is a {kind}, not a {cls.__name__}; read it with {kind}.from_pretrained"
            )
        return found

    def hub_card(self, base: str, where: str) -> Card:
        """Which classes it separates, where it reads, and how to use it."""
        kind, classes = type(self).__name__, ", ".join(map(str, getattr(self, "classes_", ())))
        return Card(
            f"{kind} of {classes}",
            "A read-out of a language model's activations, fitted to tell classes of prompts apart.",
            {"Classes": classes, "Fitted by": repr(self), **_place(self.site_)},
            _use(self, self.site_, literal(base), literal(where)),
            "Whether the model uses what this reads: a read-out says what is there, no more.",
            ["probe"],
        )


def _place(site: Site | None) -> dict[str, object]:
    if site is None:
        return {"Fitted to": "arrays of unknown origin", "Weights of the base": "not known"}
    return {
        "Layer": f"{site.layer} (from 0), {site.site}",
        "Position": site.position,
        "Adapter": site.adapter or "whatever was active",
        "Weights of the base": site.weights or "not known",
    }


def _use(probe: Any, site: Site | None, base: str, where: str) -> str:
    kind = type(probe).__name__
    read = "predict" if hasattr(probe, "predict") else "transform"
    if site is None:
        return (
            f"from probes import {kind}\n\nprobe = {kind}.from_pretrained({where})\n"
            f"print(probe.{read}(X))  # rows of width {probe.n_features_in_}\n"
        )
    return (
        f"import interp as tl\nfrom probes import {kind}\n\nlm = tl.load({base})\n"
        f"probe = {kind}.from_pretrained({where}, model_hash=lm.weights_hash)\n"
        'prompts = lm.prompts(["What should I do about a fever?", "What should I do about a loan?"])\n'
        f"rows = lm.capture(prompts, layers=[{site.layer}], position={site.position!r}, site={site.site!r})\n"
        f"print(probe.{read}(rows))\n"
    )
