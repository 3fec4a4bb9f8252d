"""What other libraries would read from an exported file steers as we do."""

import pytest
import torch
from safetensors.torch import save_file

from interp.capture import capture
from interp.directions import Direction, unit
from interp.interventions import Add
from interp.sites import hooked
from interp.steering_export import export_steering, for_repeng, for_steering_vectors, read_steering


def direction(lm, layer, **changed):
    vector = unit(torch.randn(32, generator=torch.Generator().manual_seed(layer)))
    facts = {
        "vector": vector,
        "layer": layer,
        "scale": 4.0,
        "meaning": "points from none to trigger",
        "position": "mean",
        "source": "means",
        "model_hash": lm.weights_hash,
        "name": f"switch {layer}",
    }
    return Direction(**facts | changed)


def test_a_file_read_by_other_libraries_steers_as_add_does(lm, prompts, tmp_path):
    directions = {direction(lm, 0): 0.5, direction(lm, 2): -1.5}
    path = export_steering(tmp_path / "switch", lm, directions)
    steering = for_steering_vectors(path)
    assert steering["layer_type"] == "decoder_block"
    ids = torch.tensor([prompts[0].token_ids])
    added = {
        layer: lambda hidden, v=vector: hidden + v
        for layer, vector in steering["layer_activations"].items()
    }
    kept = []
    with torch.inference_mode(), hooked(lm, added), hooked(lm, {2: lambda h: kept.append(h)}):
        lm.causal(ids)
    ours = [Add.from_direction(each, strength) for each, strength in directions.items()]
    expected = capture(lm, prompts[:1], layers=[2], interventions=ours).at(2)
    torch.testing.assert_close(kept[0][:, -1], expected)
    repeng = for_repeng(path)
    assert repeng["model_type"] == lm.config.model_type
    for layer, vector in steering["layer_activations"].items():
        assert (torch.from_numpy(repeng["directions"][layer]) == vector).all()
    assert [file.name for file in tmp_path.iterdir()] == ["switch.safetensors"]
    assert "points from none to trigger" in read_steering(path)[1]["directions"]


def test_what_does_not_fit_is_refused(one_lm, tmp_path):
    with pytest.raises(ValueError, match="no direction to export"):
        export_steering(tmp_path / "x", one_lm, {})
    with pytest.raises(ValueError, match="two directions at layer 1"):
        export_steering(tmp_path / "x", one_lm, {direction(one_lm, 1): 1, direction(one_lm, 1): 2})
    with pytest.raises(ValueError, match="fitted to weights abc"):
        export_steering(tmp_path / "x", one_lm, {direction(one_lm, 1, model_hash="abc"): 1.0})
    with pytest.raises(ValueError, match="no layer 7"):
        export_steering(tmp_path / "x", one_lm, {direction(one_lm, 7): 1.0})
    narrow = direction(one_lm, 1, vector=unit(torch.ones(8)))
    with pytest.raises(ValueError, match="has width 8"):
        export_steering(tmp_path / "x", one_lm, {narrow: 1.0})
    save_file({"vector": torch.ones(3)}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="is no exported steering vector"):
        for_repeng(tmp_path / "other.safetensors")
