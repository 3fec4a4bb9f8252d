"""What is read from a store is what was captured."""

from pathlib import Path

import pytest
import torch

from interp.capture.api import capture, capture_answers
from interp.capture.positions import all_tokens, last_prompt_token, mean_answer, question_mean
from interp.capture.sequences import of_prompts
from interp.capture.store import ActivationStore, open_writer
from interp.generation.generate import generate
from interp.models.adapter_rows import BASE
from interp.models.mixed_adapters import capture_side_by_side, side_by_side
from tests.interp.store.small_store import SMALL, write
from tests.tiny_models import adapted_lm


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
    ours = [
        tmp_path / name for name in ("shard-00099.parquet", ".shard-00099.parquet.0123abcd.tmp")
    ]
    theirs = [tmp_path / name for name in ("notes.tmp", "shard-0.tar", "shard-00000.csv")]
    for path in (*ours, *theirs):
        path.write_text("something")
    write(tmp_path, one_lm, some_prompts)
    assert [path.exists() for path in (*ours, *theirs)] == [False, False, True, True, True]


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
