"""What is read from a store is what was captured; what is not as it was written is refused by name."""

import json
import multiprocessing
import re
from pathlib import Path

import pytest
import torch

from interp.adapter_rows import BASE
from interp.capture import capture, capture_answers
from interp.generate import generate
from interp.mixed_adapters import capture_side_by_side, side_by_side
from interp.positions import all_tokens, last_prompt_token, mean_answer, question_mean
from interp.sequences import of_prompts
from interp.store import (
    ActivationStore,
    DamagedStore,
    OtherStore,
    StoreBusy,
    capture_cached,
    open_writer,
)
from interp.store.identity import identity_of
from tests.tiny_models import FAMILIES, adapted_lm, tiny_lm, tiny_model, tiny_tokenizer

SMALL = {"shard_bytes": 700}  # two prompts of three layers of 32 numbers


def write(folder, lm, prompts, **settings):
    with open_writer(folder, lm, **{**SMALL, **settings}) as writer:
        writer.add(prompts)
    return ActivationStore(folder)


def test_a_store_holds_what_capture_reads(one_lm, some_prompts, tmp_path):
    positions = [last_prompt_token, question_mean, all_tokens]
    store = write(
        tmp_path, one_lm, some_prompts, positions=positions, sites=["resid_post", "mlp_out"]
    )
    assert len(store.manifest.shards) > 1
    assert store.positions == ("last_prompt_token", "question_mean", "all_tokens")
    for site in ("resid_post", "mlp_out"):
        for position in positions:
            read = capture(one_lm, some_prompts, position=position, site=site)
            found = store.load(site=site, position=position.__name__)
            torch.testing.assert_close(found.values, read.values, rtol=1e-4, atol=1e-5)
            for name in ("conditions", "questions", "source", "token", "layers", "site"):
                assert getattr(found, name) == getattr(read, name)
    one = store.load(layers=[2], site="mlp_out", position="question_mean")
    assert one.layers == (2,) and one.values.shape == (6, 1, 32)


def test_bfloat16_halves_the_file_and_rounds_the_values(one_lm, some_prompts, tmp_path):
    full = write(tmp_path / "full", one_lm, some_prompts, positions=[all_tokens])
    half = write(
        tmp_path / "half", one_lm, some_prompts, positions=[all_tokens], dtype=torch.bfloat16
    )
    rounded = full.load().values.bfloat16().float()
    torch.testing.assert_close(half.load().values, rounded, rtol=1e-2, atol=0)
    sizes = [
        sum(f.stat().st_size for f in store.home.glob("*.safetensors")) for store in (full, half)
    ]
    assert sizes[1] < 0.6 * sizes[0] and half.dtype == "bfloat16"
    with pytest.raises(ValueError, match=r"holds float32 or bfloat16, not torch\.float16"):
        write(tmp_path / "no", one_lm, some_prompts, dtype=torch.float16)


def test_a_repeated_call_adds_only_what_is_missing(one_lm, some_prompts, tmp_path):
    write(tmp_path, one_lm, some_prompts[:3])
    with open_writer(tmp_path, one_lm, **SMALL) as writer:
        assert writer.add(some_prompts) == 3
        assert writer.add(some_prompts) == 0
        assert writer.add(some_prompts, part="again") == 6
    store = ActivationStore(tmp_path)
    assert store.load().source == tuple(range(12))
    assert store.to_pandas()["part"].tolist() == [""] * 6 + ["again"] * 6


def test_equal_answers_keep_their_own_rows(one_lm, some_prompts, tmp_path):
    answers = generate(
        one_lm, some_prompts[:1], samples_per_prompt=3, max_new_tokens=3, seed=0, temperature=0
    )
    assert len(set(answers.token_ids)) == 1
    store = write(tmp_path, one_lm, answers, positions=[mean_answer])
    again = write(tmp_path, one_lm, answers, positions=[mean_answer])
    assert len(store) == len(again) == 3
    torch.testing.assert_close(store.load().values, capture_answers(one_lm, answers).values)


def test_base_and_tuned_rows_live_in_one_store(tmp_path, some_prompts):
    lm = adapted_lm("qwen")
    store = write(tmp_path, lm, side_by_side(of_prompts(some_prompts), [BASE, "default"]))
    both = capture_side_by_side(lm, some_prompts)
    for name in (BASE, "default"):
        found = store.load(adapter=name)
        torch.testing.assert_close(found.values, both[name].values, rtol=1e-4, atol=1e-5)
        assert found.provenance["weights"] == both[name].provenance["weights"] == lm.weights_hash
    with pytest.raises(ValueError, match="holds no rows of adapter 'other'"):
        store.load(adapter="other")
    with pytest.raises(ValueError, match=f"adapters {BASE}, default; name one with adapter="):
        store.load()


def test_iteration_is_bounded_and_whole(one_lm, some_prompts, tmp_path):
    store = write(tmp_path, one_lm, some_prompts, positions=[all_tokens], shard_bytes=30_000)
    pieces = list(store.iterate(rows=7))
    assert max(len(piece) for piece in pieces) == 7 and len(pieces) > 2
    assert torch.equal(torch.cat([piece.values for piece in pieces]), store.load().values)


def test_values_are_mapped_from_the_file_and_not_copied(one_lm, some_prompts, tmp_path):
    store = write(tmp_path, one_lm, some_prompts)
    tensor = store.mapped(1)[0]
    lines = [
        line for line in Path("/proc/self/maps").read_text().splitlines() if str(tmp_path) in line
    ]
    spans = [[int(each, 16) for each in line.split()[0].split("-")] for line in lines]
    assert any(start <= tensor.data_ptr() < stop for start, stop in spans)


def test_a_feed_gives_every_row_once_an_epoch_in_another_order(one_lm, some_prompts, tmp_path):
    store = write(tmp_path, one_lm, some_prompts, positions=[all_tokens], shard_bytes=30_000)
    expected = store.load(layers=[1]).values[:, 0]
    total = len(expected)
    fed = torch.cat(list(store.feed(1, rows=1, epochs=1, mix_shards=2)))
    assert sorted(fed[:, 0].tolist()) == sorted(expected[:, 0].tolist())
    assert not torch.equal(fed, expected)
    again = torch.cat(list(store.feed(1, rows=1, epochs=1, mix_shards=2)))
    assert torch.equal(fed, again)
    endless = store.feed(1, rows=10)
    assert all(next(endless).shape == (10, 32) for _ in range(total // 10 * 3))
    assert len(list(store.feed(1, rows=10, epochs=2))) == 2 * total // 10


def test_a_feed_gives_no_empty_batch_and_refuses_what_is_none(one_lm, some_prompts, tmp_path):
    store = write(tmp_path, one_lm, some_prompts)
    assert list(store.feed(1, rows=100, epochs=1)) == []
    fed = list(store.feed(1, rows=4, epochs=2, mix_shards=1))
    assert [len(batch) for batch in fed] == [4, 4, 4]
    for wrong in ({"rows": 0}, {"rows": 2, "mix_shards": 0}):
        with pytest.raises(ValueError, match="both must be at least 1"):
            next(store.feed(1, **wrong))
    with pytest.raises(ValueError, match="rows=0: must be at least 1"):
        next(store.iterate(rows=0))
    with pytest.raises(ValueError, match=r"no layer was asked for; .* holds \[0, 1, 2\]"):
        store.load(layers=[])


def test_only_a_killed_writers_files_are_swept(one_lm, some_prompts, tmp_path):
    write(tmp_path, one_lm, some_prompts)
    ours = [tmp_path / name for name in ("shard-00099.parquet", "shard-00099.parquet.tmp")]
    theirs = [tmp_path / name for name in ("notes.tmp", "shard-0.tar", "shard-00000.csv")]
    for path in (*ours, *theirs):
        path.write_text("something")
    write(tmp_path, one_lm, some_prompts)
    assert [path.exists() for path in (*ours, *theirs)] == [False, False, True, True, True]


def test_shards_without_a_manifest_are_kept_and_refused(one_lm, some_prompts, tmp_path):
    write(tmp_path, one_lm, some_prompts)
    (tmp_path / "manifest.json").unlink()
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(DamagedStore, match=r"shard-00000\.parquet is there but no manifest\.json"):
        write(tmp_path, one_lm, some_prompts)
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sites": ["resid_pre"]}, "no site 'resid_pre'"),
        ({"sites": "resid_post"}, "sites='resid_post'.* give a list"),
        ({"sites": []}, "at least one each"),
        ({"positions": []}, "at least one each"),
        ({"layers": []}, "name at least one layer"),
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


def test_an_sae_trains_on_the_feed(one_lm, some_prompts, tmp_path):
    from sae_lens import StandardTrainingSAE, StandardTrainingSAEConfig
    from sae_lens.config import LoggingConfig, SAETrainerConfig
    from sae_lens.training.sae_trainer import SAETrainer

    store = write(tmp_path, one_lm, some_prompts, positions=[all_tokens])
    torch.manual_seed(0)
    sae = StandardTrainingSAE(StandardTrainingSAEConfig(d_in=32, d_sae=64))
    x = store.load(layers=[1]).values[:, 0]
    before = float((sae(x) - x).pow(2).mean())
    settings = SAETrainerConfig(
        n_checkpoints=0,
        checkpoint_path=None,
        save_final_checkpoint=False,
        total_training_samples=6400,
        device="cpu",
        autocast=False,
        lr=1e-2,
        lr_end=1e-2,
        lr_scheduler_name="constant",
        lr_warm_up_steps=0,
        lr_decay_steps=0,
        adam_beta1=0.9,
        adam_beta2=0.999,
        n_restart_cycles=1,
        train_batch_size_samples=64,
        dead_feature_window=1000,
        feature_sampling_window=1000,
        logger=LoggingConfig(log_to_wandb=False),
    )
    SAETrainer(settings, sae, store.feed(1, rows=64)).fit()
    assert float((sae(x) - x).pow(2).mean()) < before / 2


def test_a_dataset_has_the_index_and_the_vectors_side_by_side(one_lm, some_prompts, tmp_path):
    for dtype in (torch.float32, torch.bfloat16):
        store = write(tmp_path / str(dtype), one_lm, some_prompts, layers=[0, 2], dtype=dtype)
        dataset = store.to_dataset().with_format("torch")
        read = store.load()
        assert dataset.column_names[-2:] == ["resid_post.0", "resid_post.2"]
        assert torch.equal(dataset["resid_post.2"][:], read.at(2))
        assert tuple(dataset["condition"]) == read.conditions
        frame = store.to_pandas()
        assert tuple(frame["question"]) == read.questions and tuple(frame["token"]) == read.token


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
    from interp.models import wrap

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
    monkeypatch.setattr("interp.store.making.code_hash", lambda: "0" * 64)
    with pytest.raises(OtherStore, match="with other code:"):
        write(tmp_path, one_lm, some_prompts)


def test_each_part_of_the_key_sees_its_own_change():
    from peft import LoraConfig, get_peft_model

    from interp.models import wrap

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

    from interp.models import wrap

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
    with pytest.raises(DamagedStore, match="is no activation store"):
        ActivationStore(tmp_path)
    with pytest.raises(ValueError, match="capture with interventions in memory"):
        write(tmp_path / "t", one_lm, some_prompts, interventions=["any"])


def test_the_manifest_says_what_made_the_store(one_lm, some_prompts, tmp_path):
    write(tmp_path, one_lm, some_prompts)
    facts = json.loads((tmp_path / "manifest.json").read_text())
    for name in ("weights", "code", "chat_template", "positions", "revision", "adapters"):
        assert name in facts["identity"]
    assert len(facts["prompts"]) == 64


def test_a_store_of_an_unknown_format_is_named(one_lm, some_prompts, tmp_path, monkeypatch):
    with monkeypatch.context() as later:
        later.setattr("interp.store.manifest.FORMAT", 2)
        with open_writer(tmp_path, one_lm, layers=[0]) as writer:
            writer.add(some_prompts)
        assert len(ActivationStore(tmp_path).load()) == len(some_prompts)
    told = r"manifest\.json has format 2 and this version reads 1; read it with the version that"
    with pytest.raises(OtherStore, match=told):
        ActivationStore(tmp_path)
    with pytest.raises(OtherStore, match=told), open_writer(tmp_path, one_lm, layers=[0]):
        pass
