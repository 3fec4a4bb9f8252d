"""Published sparse autoencoders for the three large families, under the names that sae-lens uses.

None is known for Qwen2.5-14B: train one. That of a smaller Qwen2.5 is listed for a study of that model. This project
has loaded none of them, because it was built without access to the hub.
"""

from dataclasses import dataclass

from interp.errors import TriggerLensError


@dataclass(frozen=True)
class Release:
    """A release, the layers that it covers, and a template for the id of an SAE."""

    family: str
    model: str
    release: str
    sae_id: str  # {layer} stands for the layer
    layers: tuple[int, ...]

    def id_at(self, layer: int) -> str:
        """The id for one layer; an error if the release lacks that layer."""
        if layer not in self.layers:
            raise TriggerLensError(
                f"{self.release} has no SAE at layer {layer}; it has {', '.join(map(str, self.layers))}"
            )
        return self.sae_id.format(layer=layer)


ANDYRDT = (3, 7, 11, 15, 19, 23, 27)
RELEASES = (
    Release(
        "gemma",
        "google/gemma-3-12b-it",
        "gemma-scope-2-12b-it-res",
        "layer_{layer}_width_16k_l0_medium",
        (12, 24, 31, 41),
    ),
    Release(
        "llama",
        "meta-llama/Llama-3.1-8B-Instruct",
        "llama-3.1-8b-instruct-andyrdt",
        "resid_post_layer_{layer}_trainer_1",
        ANDYRDT,
    ),
    Release(
        "qwen",
        "Qwen/Qwen2.5-7B-Instruct",
        "qwen2.5-7b-instruct-andyrdt",
        "resid_post_layer_{layer}_trainer_1",
        ANDYRDT,
    ),
)
