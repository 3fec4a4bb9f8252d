"""What is kept as tensors beside JSON: damage is refused by name, and nothing half-written is used."""

import json
from pathlib import Path

import pytest
import torch

import interp.io.checksummed
from interp.activations import Activations
from interp.directions import Direction, unit


def direction(layer=1):
    vector = unit(torch.arange(1.0, 9.0))
    return Direction(vector, layer, 4.0, "points from a to b", "mean", "means", "abc", "switch")


def activations():
    values = torch.arange(24.0).reshape(2, 3, 4)
    made = {"weights": "abc", "spread": float("inf")}
    return Activations(
        values, (0, 1, 5), ("none", "trigger"), ("q", "ü"), "mean", made, "mlp_out", (0, 1), (3, 4)
    )


KEPT = [
    pytest.param(direction, Direction.load, "direction", "fit it again", id="direction"),
    pytest.param(
        activations, Activations.load, "activations", "capture them again", id="activations"
    ),
]
everything_kept = pytest.mark.parametrize(("make", "load", "kind", "again"), KEPT)


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


@everything_kept
def test_what_was_saved_comes_back_and_leaves_nothing_beside_it(make, load, kind, again, tmp_path):
    make().save(tmp_path / "new" / "kept")
    loaded = load(tmp_path / "new" / "kept")
    for name, value in vars(make()).items():
        same = torch.equal if isinstance(value, torch.Tensor) else type(value).__eq__
        assert same(getattr(loaded, name), value), name
    names = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert names == ["kept.json", "kept.safetensors"]


@everything_kept
@pytest.mark.parametrize("suffix", ["json", "safetensors"])
def test_a_flipped_bit_anywhere_is_refused(make, load, kind, again, suffix, tmp_path):
    make().save(tmp_path / "kept")
    path = tmp_path / f"kept.{suffix}"
    whole = path.read_bytes()
    for at in range(0, len(whole) - 1, 5):
        flip(path, at)
        with pytest.raises(ValueError, match=rf"{kind} .*kept"):
            load(tmp_path / "kept")
        path.write_bytes(whole)
    load(tmp_path / "kept")


@everything_kept
def test_a_short_a_missing_or_an_old_file_is_named_with_the_mend(make, load, kind, again, tmp_path):
    make().save(tmp_path / "kept")
    tensors, facts = tmp_path / "kept.safetensors", tmp_path / "kept.json"
    whole, said = tensors.read_bytes(), facts.read_text()

    def refused(message):
        with pytest.raises(ValueError, match=message) as refusal:
            load(tmp_path / "kept")
        assert "\n" not in str(refusal.value)

    tensors.write_bytes(whole[:-3])
    refused(rf"kept\.safetensors is not what was saved \(changed, or cut short\); {again}")
    tensors.unlink()
    refused(rf"no .*kept\.safetensors; put it back, or {again}")
    tensors.write_bytes(whole)
    facts.write_text(said[:-20])
    refused(rf"kept\.json is damaged \(.*\); {again}")
    facts.write_text("[]")
    refused(rf"kept\.json holds no {kind}")
    old = {k: v for k, v in json.loads(said).items() if k not in interp.io.checksummed.HASHES}
    facts.write_text(json.dumps(old))
    refused(rf"kept\.json has no hashes of its files, .*; {again}")
    facts.unlink()
    refused(r"no .*kept\.json; give the path that save\(\) was given")


def test_a_direction_is_not_read_as_activations(tmp_path):
    direction().save(tmp_path / "kept")
    with pytest.raises(ValueError, match=r"kept\.json holds no activations"):
        Activations.load(tmp_path / "kept")


def test_a_write_that_dies_leaves_the_old_pair(tmp_path, monkeypatch):
    direction(layer=1).save(tmp_path / "kept")

    def dies(tensors, path):
        Path(path).write_bytes(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(interp.io.checksummed, "save_file", dies)
    with pytest.raises(OSError, match="no space"):
        direction(layer=2).save(tmp_path / "kept")
    assert Direction.load(tmp_path / "kept").layer == 1
