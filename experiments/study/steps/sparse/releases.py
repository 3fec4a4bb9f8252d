"""Sparse autoencoders that others have trained for the three large families, by the names sae-lens knows them by.

None is known for Qwen2.5-14B: train one. Its smaller sister's is listed for a study of that model. None of them has
been loaded by this project, which was built without the hub.
"""

from dataclasses import dataclass

from interp.errors import TriggerLensError


@dataclass(frozen=True)
class Release:
    """A release and, of the layers it covers, the id of one."""

    family: str
    model: str
    release: str
    sae_id: str  # {layer} stands for the layer
    layers: tuple[int, ...]

    def id_at(self, layer: int) -> str:
        """The id for one layer; a layer that the release lacks is an error."""
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
