"""An SAE's folder on the Hub: the two files of sae-lens, the hashes of both in `sae.json`, and a card."""

import json
from pathlib import Path
from typing import Any

from interp.errors import TriggerLensError
from interp.io.cards import Card, literal
from interp.io.files import put, sha256
from interp.sae.files import SETTINGS, WEIGHTS

SEAL = "sae.json"


def seal_sae(folder: Path) -> None:
    """Write the hashes of a folder's files."""
    hashes = {name: sha256(folder / name) for name in (SETTINGS, WEIGHTS)}
    put(folder / SEAL, lambda file: file.write_text(json.dumps(hashes) + "\n", encoding="utf-8"))


def check_seal(folder: Path) -> None:
    """Raise unless a folder holds what was sealed."""
    if not (folder / SEAL).is_file():
        raise TriggerLensError(
            f"SAE {folder} has no {SEAL}, so it cannot be checked against what was saved; read it with load_sae"
        )
    try:
        hashes = json.loads((folder / SEAL).read_text(encoding="utf-8"))
        stated = {name: hashes[name] for name in (SETTINGS, WEIGHTS)}
    except (ValueError, KeyError, TypeError) as error:
        raise TriggerLensError(f"SAE {folder}: {SEAL} is damaged; download it again") from error
    for name, wanted in stated.items():
        if not (folder / name).is_file() or sha256(folder / name) != wanted:
            raise TriggerLensError(
                f"SAE {folder}: {name} is not what was saved (missing, changed, or cut short); download it again"
            )


def sae_card(sae: Any, base: str, where: str) -> Card:
    """The card of a sparse autoencoder."""
    settings = sae.model.cfg
    return Card(
        f"SAE of {sae.place.site} {sae.place.layer}",
        "A sparse autoencoder of one place in a language model, in the format of SAELens.",
        {
            "Reads": f"{sae.place.site} of layer {sae.place.layer} (from 0)",
            "Features": sae.width,
            "Width": sae.d_model,
            "Architecture": settings.architecture(),
            "Trained on": sae.facts.get("model_name") or "not said",
            "Weights of the base": sae.facts.get("weights") or "not known",
        },
        USE.format(
            base=literal(base),
            where=literal(where),
            layer=sae.place.layer,
            site=sae.place.site,
        ),
        "What its features mean, and how much of the model's behaviour they keep: see `interp.sae.quality`.",
        ["sparse-autoencoder", "saelens"],
    )


USE = """
import interp as tl
from interp.sae.autoencoder import SparseAutoencoder, features

lm = tl.load({base})
sae = SparseAutoencoder.from_pretrained({where}, model_hash=lm.weights_hash)
prompts = lm.prompts(["What should I do about a fever?"])
rows = lm.capture(prompts, layers=[{layer}], site="{site}")
print(features(sae, rows).topk(3))
"""
