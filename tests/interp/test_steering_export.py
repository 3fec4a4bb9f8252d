"""What other libraries would read from an exported file steers as we do."""

import gguf
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tiny_models import tiny_lm

from interp.capture.api import capture
from interp.capture.sites import hooked
from interp.directions import Direction, unit
from interp.export.steering import (
    export_steering,
    for_repeng,
    for_steering_vectors,
    import_steering,
    read_steering,
)
from interp.interventions import Add


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
    with pytest.raises(ValueError, match="is not an exported steering vector"):
        for_repeng(tmp_path / "other.safetensors")


def control_vector(path, vector):
    """What repeng's `export_gguf` writes."""
    writer = gguf.GGUFWriter(path, "controlvector")
    writer.add_string("controlvector.model_hint", "qwen2")
    writer.add_uint32("controlvector.layer_count", 1)
    writer.add_tensor("direction.1", vector.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_what_is_exported_is_imported_as_the_edits_that_it_came_from(lm, prompts, tmp_path):
    directions = {direction(lm, 0): 0.5, direction(lm, 2): -1.5}
    path = export_steering(tmp_path / "v1.5", lm, directions)
    assert path == export_steering(path, lm, directions) == tmp_path / "v1.5.safetensors"
    ours = [Add.from_direction(each, strength) for each, strength in directions.items()]
    expected = capture(lm, prompts, interventions=ours).values
    for given in (path, tmp_path / "v1.5", str(path)):
        found = capture(lm, prompts, interventions=import_steering(given, lm)).values
        torch.testing.assert_close(found, expected)
    assert not torch.allclose(capture(lm, prompts).values, expected, atol=1e-2)


def test_files_of_other_libraries_are_read(one_lm, tmp_path):
    vector = direction(one_lm, 1).vector
    control_vector(tmp_path / "v.gguf", vector)
    save_file({"direction.1": vector.bfloat16()}, tmp_path / "v.safetensors")
    np.savez(tmp_path / "v.npz", **{"direction.1": vector.double().numpy()})
    for name in ("v.gguf", "v.safetensors", "v.npz"):
        (edit,) = import_steering(tmp_path / name, one_lm)
        assert edit.layers == (1,)
        torch.testing.assert_close(edit.vector, vector, atol=1e-2, rtol=1e-2)
    assert for_repeng(tmp_path / "v.gguf")["model_type"] == "qwen2"
    with pytest.raises(ValueError, match="does not say its model_type"):
        for_repeng(tmp_path / "v.npz")


def test_files_of_other_forms_are_one_line(one_lm, tmp_path):
    vector = direction(one_lm, 1).vector
    torch.save({1: vector}, tmp_path / "v.pt")
    np.savez(tmp_path / "object.npz", **{"direction.1": np.array([{}], dtype=object)})
    np.savez(tmp_path / "nan.npz", **{"direction.1": np.full(32, np.nan)})
    np.savez(tmp_path / "widths.npz", **{"direction.0": np.ones(8), "direction.1": np.ones(32)})
    save_file({"direction.1": vector, "layer": torch.tensor(1)}, tmp_path / "more.safetensors")
    save_file({"direction.7": vector}, tmp_path / "layer.safetensors")
    for name in ("cut.gguf", "cut.npz", "cut.safetensors", "v.txt"):
        (tmp_path / name).write_bytes(b"cut short")
    refused = {
        "v.pt": "is a pickle, which is not loaded",
        "object.npz": r"object\.npz is damaged",
        "nan.npz": "numbers that are not finite",
        "widths.npz": "differ in width",
        "more.safetensors": "it holds 'layer'",
        "layer.safetensors": "for layer 7; .* has layers 0 to",
        "cut.gguf": r"cut\.gguf is damaged",
        "cut.npz": r"cut\.npz is damaged",
        "cut.safetensors": r"cut\.safetensors is damaged",
        "v.txt": r"\.txt is not read",
        "nowhere.gguf": r"nowhere\.gguf: no such file",
    }
    for name, message in refused.items():
        with pytest.raises(ValueError, match=message) as caught:
            import_steering(tmp_path / name, one_lm)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["v.gguf", "v.safetensors", "v.npz"])
def test_a_control_vector_of_another_width_is_one_line(one_lm, tmp_path, name):
    wide = torch.ones(64)
    control_vector(tmp_path / "v.gguf", wide)
    save_file({"direction.1": wide}, tmp_path / "v.safetensors")
    np.savez(tmp_path / "v.npz", **{"direction.1": wide.numpy()})
    with pytest.raises(ValueError, match=r"width \[64\] for layer 1; .* of width 32") as caught:
        import_steering(tmp_path / name, one_lm)
    assert "\n" not in str(caught.value) and name in str(caught.value)
    with pytest.raises(ValueError, match=r"steering vectors: a vector of width \[64\]"):
        import_steering({1: wide}, one_lm)


def test_an_exported_direction_of_another_model_is_refused(tmp_path):
    one, other = tiny_lm("qwen"), tiny_lm("llama")
    path = export_steering(tmp_path / "v", one, {direction(one, 1): 1.0})
    import_steering(path, one)
    with pytest.raises(ValueError, match=r"was fitted to weights .*, but this model has"):
        import_steering(path, other)


@pytest.mark.parametrize("ending", [".gguf", ".safetensors"])
def test_a_control_vector_that_is_written_is_read_back_and_belongs_to_its_model(tmp_path, ending):
    lm, other = tiny_lm("qwen"), tiny_lm("llama")
    vector = unit(torch.arange(1.0, lm.d_model + 1))
    facts = ("points from a to b", "mean", "means", lm.weights_hash, "switch")
    strengths = {Direction(vector, layer, 4.0, *facts): 0.5 for layer in (1, 2)}
    path = export_steering(tmp_path / f"v{ending}", lm, strengths)
    vectors, said = read_steering(path)
    assert list(vectors) == [1, 2] and said["model_type"] == "qwen2"
    assert all(torch.equal(read, 2.0 * vector) for read in vectors.values())
    assert len(import_steering(path, lm)) == 2
    with pytest.raises(ValueError, match="was fitted to weights"):
        import_steering(path, other)


def test_a_control_vector_is_what_llama_cpp_looks_for(tmp_path):
    lm = tiny_lm("qwen")
    vector = unit(torch.ones(lm.d_model))
    facts = ("points from a to b", "mean", "means", lm.weights_hash, "switch")
    path = export_steering(tmp_path / "v.gguf", lm, {Direction(vector, 2, 4.0, *facts): 1.0})
    reader = gguf.GGUFReader(path)
    assert reader.get_field("general.architecture").contents() == "controlvector"
    assert reader.get_field("controlvector.layer_count").contents() == 1
    (tensor,) = reader.tensors
    assert (tensor.name, list(tensor.shape)) == ("direction.2", [lm.d_model])
    assert tensor.tensor_type == gguf.GGMLQuantizationType.F32
    with pytest.raises(ValueError, match="takes no vector at layer 0"):
        export_steering(tmp_path / "w.gguf", lm, {Direction(vector, 0, 4.0, *facts): 1.0})
    assert not (tmp_path / "w.gguf").exists()
