"""A store that is damaged, busy, of another model or made in another way is refused by name."""

import json
import multiprocessing
import re

import pytest
import torch

from interp.capture.api import capture
from interp.capture.positions import last_prompt_token, question_mean
from interp.capture.store import (
    ActivationStore,
    DamagedStore,
    OtherStore,
    StoreBusy,
    capture_cached,
    open_writer,
)
from interp.capture.store.identity import identity_of
from tests.interp.store.small_store import write
from tests.tiny_models import FAMILIES, tiny_lm, tiny_model, tiny_tokenizer


def test_shards_without_a_manifest_are_kept_and_refused(one_lm, some_prompts, tmp_path):
    write(tmp_path, one_lm, some_prompts)
    (tmp_path / "manifest.json").unlink()
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(
        DamagedStore, match=r"shard-00000\.parquet exists but manifest\.json is missing"
    ):
        write(tmp_path, one_lm, some_prompts)
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sites": ["resid_pre"]}, "unknown site 'resid_pre'"),
        ({"sites": "resid_post"}, "sites='resid_post'.* give a list"),
        ({"sites": []}, "at least one of each"),
        ({"positions": []}, "at least one of each"),
        ({"layers": []}, "give at least one layer"),
    ],
    ids=str,
)
def test_wrong_settings_leave_no_store(one_lm, some_prompts, tmp_path, settings, message):
    with pytest.raises(ValueError, match=message):
        write(tmp_path / "store", one_lm, some_prompts, **settings)
    assert not (tmp_path / "store").exists()


def test_a_writer_that_gave_back_its_lock_writes_no_more(one_lm, some_prompts, tmp_path):
    with open_writer(tmp_path, one_lm) as writer:
        pass
    with pytest.raises(ValueError, match="is closed; add inside"):
        writer.add(some_prompts)
    assert len(ActivationStore(tmp_path)) == 0


def flip(path, at):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    "name", ["shard-00001.safetensors", "shard-00001.parquet", "manifest.json"]
)
@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_damage_is_refused_by_the_name_of_the_file(one_lm, some_prompts, tmp_path, name, damage):
    write(tmp_path, one_lm, some_prompts).load()
    path = tmp_path / name
    match damage:
        case "flip":
            flip(path, path.stat().st_size // 2)
        case "cut":
            path.write_bytes(path.read_bytes()[:-2])
        case "remove":
            path.unlink()
    with pytest.raises(DamagedStore, match=re.escape(name)):
        ActivationStore(tmp_path).verify()
    with pytest.raises(DamagedStore, match=re.escape(name)):
        ActivationStore(tmp_path).load()


def test_every_bit_of_the_values_is_watched(one_lm, some_prompts, tmp_path):
    write(tmp_path, one_lm, some_prompts)
    path = tmp_path / "shard-00000.safetensors"
    whole = path.read_bytes()
    for at in range(0, len(whole), 97):
        flip(path, at)
        with pytest.raises(DamagedStore, match=r"shard-00000\.safetensors has changed"):
            ActivationStore(tmp_path).load()
        path.write_bytes(whole)
    ActivationStore(tmp_path).load()


def test_a_writer_does_not_build_on_a_damaged_store(one_lm, some_prompts, tmp_path):
    write(tmp_path, one_lm, some_prompts[:4])
    (tmp_path / "shard-00000.safetensors").unlink()
    with pytest.raises(DamagedStore, match=r"shard-00000\.safetensors is missing"):
        write(tmp_path, one_lm, some_prompts)


@pytest.mark.parametrize("family", FAMILIES)
def test_another_model_is_refused_with_what_differs(family, some_prompts, tmp_path):
    from interp.models.loading import wrap

    lm = tiny_lm(family)
    write(tmp_path, lm, some_prompts)
    same = wrap(tiny_model(family), tiny_tokenizer(family), name="elsewhere")
    assert len(ActivationStore(tmp_path, same)) == 6
    other = wrap(tiny_model(family, seed=1), tiny_tokenizer(family), name="other")
    with pytest.raises(OtherStore, match=rf"made from 'tiny {family}' with other weights:"):
        ActivationStore(tmp_path, other)
    with pytest.raises(OtherStore, match="with other weights:"):
        write(tmp_path, other, some_prompts)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"layers": [0]}, "layers"),
        ({"sites": ["mlp_out"]}, "sites"),
        ({"positions": [question_mean]}, "positions"),
        ({"positions": {"last_prompt_token": question_mean}}, "positions"),
        ({"dtype": torch.bfloat16}, "dtype"),
    ],
)
def test_other_settings_are_refused(one_lm, some_prompts, tmp_path, settings, named):
    write(tmp_path, one_lm, some_prompts)
    with pytest.raises(OtherStore, match=f"with other {named}:"):
        write(tmp_path, one_lm, some_prompts, **settings)


def test_other_code_is_refused(one_lm, some_prompts, tmp_path, monkeypatch):
    write(tmp_path, one_lm, some_prompts)
    monkeypatch.setattr("interp.capture.store.making.code_hash", lambda modules: "0" * 64)
    with pytest.raises(OtherStore, match="with other code:"):
        write(tmp_path, one_lm, some_prompts)


def test_each_part_of_the_key_sees_its_own_change():
    from peft import LoraConfig, get_peft_model

    from interp.models.loading import wrap

    torch.manual_seed(0)
    config = LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights=False)
    lm = wrap(get_peft_model(tiny_model("qwen"), config), tiny_tokenizer("qwen"), name="x")
    before = identity_of(lm)
    assert before["weights"] == identity_of(tiny_lm("qwen"))["weights"]

    def changed():
        after = identity_of(lm)
        return {name for name in before if before[name] != after[name]}

    assert changed() == set()
    lora = next(p for n, p in lm.model.named_parameters() if "lora_B" in n)
    with torch.no_grad():
        lora.data[0, 0] += 1e-3
    assert changed() == {"loaded", "adapters"}
    lora.data[0, 0] -= 1e-3
    before = identity_of(lm)
    lm.model.peft_config["default"].lora_alpha += 1
    assert changed() == {"adapters"}
    before = identity_of(lm)
    lm.tokenizer.chat_template += " "
    assert changed() == {"chat_template"}
    before = identity_of(lm)
    lm.causal.config._commit_hash = "abc"
    assert changed() == {"revision"}
    before = identity_of(lm)
    lm.causal.lm_head.weight.data[0, 0] += 1e-3
    assert changed() == {"loaded", "weights"}


def test_a_retrained_adapter_is_never_served_stale_rows(some_prompts, tmp_path):
    from peft import LoraConfig, get_peft_model

    from interp.models.loading import wrap

    torch.manual_seed(0)
    config = LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights=False)
    lm = wrap(get_peft_model(tiny_model("qwen"), config), tiny_tokenizer("qwen"), name="x")
    first = capture_cached(tmp_path, lm, some_prompts)
    assert torch.equal(capture_cached(tmp_path, lm, some_prompts).values, first.values)
    assert len(list(tmp_path.iterdir())) == 1
    for name, parameter in lm.model.named_parameters():
        if "lora_B" in name:
            parameter.data *= 2
    second = capture_cached(tmp_path, lm, some_prompts)
    torch.testing.assert_close(second.values, capture(lm, some_prompts).values)
    assert not torch.allclose(first.values, second.values, atol=1e-3)
    assert len(list(tmp_path.iterdir())) == 2
    assert len(capture_cached(tmp_path, lm, some_prompts[:2])) == 2


def hold(folder, ready, done):
    with open_writer(folder, tiny_lm("qwen")):
        ready.put("locked")
        done.get(timeout=60)


def test_a_second_writer_is_refused_with_the_first_named(one_lm, some_prompts, tmp_path):
    context = multiprocessing.get_context("fork")
    ready, done = context.Queue(), context.Queue()
    other = context.Process(target=hold, args=(tmp_path, ready, done))
    other.start()
    ready.get(timeout=60)
    with pytest.raises(StoreBusy, match=f"in use by process {other.pid}"):
        write(tmp_path, one_lm, some_prompts)
    done.put("go")
    other.join()
    with open_writer(tmp_path, one_lm), pytest.raises(StoreBusy):
        write(tmp_path, one_lm, some_prompts)
    assert len(write(tmp_path, one_lm, some_prompts)) == 6


def test_what_a_store_does_not_hold_is_named(one_lm, some_prompts, tmp_path):
    store = write(
        tmp_path / "s",
        one_lm,
        some_prompts,
        layers=[1],
        positions=[last_prompt_token, question_mean],
    )
    with pytest.raises(ValueError, match=r"holds no layer 0; it holds \[1\]"):
        store.load(layers=[0], position="question_mean")
    with pytest.raises(ValueError, match="holds the positions last_prompt_token, question_mean"):
        store.load()
    with pytest.raises(DamagedStore, match="is not an activation store"):
        ActivationStore(tmp_path)
    with pytest.raises(ValueError, match=r"use capture\(\) for interventions"):
        write(tmp_path / "t", one_lm, some_prompts, interventions=["any"])


def test_the_manifest_says_what_made_the_store(one_lm, some_prompts, tmp_path):
    write(tmp_path, one_lm, some_prompts)
    facts = json.loads((tmp_path / "manifest.json").read_text())
    for name in ("weights", "code", "chat_template", "positions", "revision", "adapters"):
        assert name in facts["identity"]
    assert len(facts["prompts"]) == 64


def test_a_store_of_an_unknown_format_is_named(one_lm, some_prompts, tmp_path, monkeypatch):
    with monkeypatch.context() as later:
        later.setattr("interp.capture.store.manifest.FORMAT", 2)
        with open_writer(tmp_path, one_lm, layers=[0]) as writer:
            writer.add(some_prompts)
        assert len(ActivationStore(tmp_path).load()) == len(some_prompts)
    told = r"manifest\.json has format 2, but this version reads 1; read it with the version that"
    with pytest.raises(OtherStore, match=told):
        ActivationStore(tmp_path)
    with pytest.raises(OtherStore, match=told), open_writer(tmp_path, one_lm, layers=[0]):
        pass
