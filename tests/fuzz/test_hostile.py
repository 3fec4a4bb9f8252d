"""No reader crashes, hangs, fills the memory, leaves the folder or runs anything, whatever the file holds."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fuzz.bombs import SMALL, big_line
from fuzz.readers import ADAPTER, READERS, Fault, Reader, outcome, safetensors
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from experiments.study.config import checked
from interp.models.loading import load_model
from interp.prompts import Framing, Question
from interp.rendering import render
from tests.tiny_models import tiny_lm, tiny_model, tiny_tokenizer

MORE = 300  # MiB that reading may take for a file of 200 MB, beyond what holds the interpreter
SECONDS = 120

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("name", READERS)
def test_a_good_file_is_read(tmp_path: Path, name: str) -> None:
    for content in READERS[name].good:
        assert outcome(READERS[name], tmp_path, content) == "read"


@pytest.mark.parametrize("bomb", SMALL)
def test_every_reader_survives_every_bomb(tmp_path: Path, bomb: str) -> None:
    for reader in READERS.values():
        outcome(reader, tmp_path, SMALL[bomb])
    assert not Path("pwned").exists()


def test_a_reader_that_crashes_rambles_or_is_silent_about_the_file_is_caught(
    tmp_path: Path,
) -> None:
    def fails(error: Exception) -> Reader:
        def read(_: Path) -> None:
            raise error

        return Reader(".json", read, ())

    for error in (KeyError("a"), RecursionError(), ValueError("no file"), OSError("no file")):
        with pytest.raises(Fault):
            outcome(fails(error), tmp_path, b"")
    with pytest.raises(Fault):
        outcome(fails(ValueError("hostile.json " + "x" * 2000)), tmp_path, b"")
    assert outcome(fails(ValueError("hostile.json is bad")), tmp_path, b"") != "read"


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_good_files_with_a_few_bytes_changed_are_read_or_refused(
    tmp_path: Path, name: str, data: st.DataObject
) -> None:
    reader = READERS[name]
    content = bytearray(data.draw(st.sampled_from(reader.good)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content)))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    outcome(reader, tmp_path, bytes(content))


@pytest.mark.parametrize("name", [n for n in READERS if READERS[n].suffix in (".json", ".jsonl")])
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_good_rows_with_any_json_in_some_place_are_read_or_refused(
    tmp_path: Path, name: str, data: st.DataObject
) -> None:
    reader = READERS[name]
    row = json.loads(
        reader.good[0].split(b"\n")[0] if reader.suffix == ".jsonl" else reader.good[0]
    )
    row = data.draw(replaced(row))
    outcome(reader, tmp_path, json.dumps(row).encode("utf-8", "surrogatepass") + b"\n")


@st.composite
def replaced(draw: st.DrawFn, value: object) -> object:
    """The value with something else at one place inside it."""
    if isinstance(value, dict) and value and draw(st.integers(0, 4)):
        key = draw(st.sampled_from(sorted(value)))
        return value | {key: draw(replaced(value[key]))}
    if isinstance(value, list) and value and draw(st.integers(0, 4)):
        at = draw(st.integers(0, len(value) - 1))
        return [*value[:at], draw(replaced(value[at])), *value[at + 1 :]]
    return draw(JSON)


@pytest.mark.parametrize(
    "name",
    [
        "chats",
        "scan",
        "judged",
        "judged csv",
        "judged document",
        "answers",
        "questions",
        "configuration",
    ],
)
@pytest.mark.long
def test_a_line_of_200_megabytes_is_refused_without_room_for_it(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"big{READERS[name].suffix}"
    path.write_bytes(big_line())
    code = f"""
import resource, sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from pathlib import Path
from fuzz.readers import READERS
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    READERS[{name!r}].read(Path({str(path)!r}))
except ValueError as error:
    print(str(error)[:300])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=SECONDS
    )
    reason, grown = done.stdout.splitlines()
    assert str(path) in reason, done.stderr
    assert int(grown) / 1024 < MORE


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "base"
    tiny_model("qwen").save_pretrained(folder)
    tiny_tokenizer("qwen").save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    "changes",
    [
        {"num_hidden_layers": 10**9},
        {"hidden_size": 10**9},
        {"vocab_size": 10**12},
        {"head_dim": 10**9},
        {"hidden_size": "wide"},
        {"model_type": ["qwen2"]},
        {"hidden_act": "os.system"},
        {"model_type": "own", "auto_map": {"AutoModelForCausalLM": "own.Model"}},
    ],
)
def test_a_model_s_configuration_that_asks_for_too_much_or_for_code_is_refused(
    base: Path, tmp_path: Path, changes: dict
) -> None:
    folder = shutil.copytree(base, tmp_path / "model")
    (folder / "own.py").write_text("open('pwned', 'w')\nclass Model: ...\n")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))
    with pytest.raises(ValueError, match="model '"):
        load_model(folder)
    assert not Path("pwned").exists()


def test_pickled_weights_are_never_opened(base: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(base, tmp_path / "model")
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(SMALL["pickle"])
    with pytest.raises(ValueError, match="only pickled weights"):
        load_model(folder)


@pytest.mark.parametrize("weights", [b"", SMALL["tensor of 10 GB"], SMALL["pickle"]])
def test_weights_that_are_none_are_refused_by_name(
    base: Path, tmp_path: Path, weights: bytes
) -> None:
    folder = shutil.copytree(base, tmp_path / "model")
    (folder / "model.safetensors").write_bytes(weights)
    with pytest.raises(ValueError, match=r"model\.safetensors is damaged"):
        load_model(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"megatron_config": {"a": 1}, "megatron_core": "own_module"},
        {"layer_replication": [[0, 10**9]]},
        {"r": 10**9},
        {"rank_pattern": {"q_proj": 10**9}},
        {"rank_pattern": {"((.*)*)*x": 4}},
        {"peft_type": "PROMPT_TUNING"},
        {"peft_type": "XLORA", "adapters": {"a": "../../b"}},
    ],
)
def test_an_adapter_that_asks_for_code_memory_or_time_is_refused(
    base: Path, tmp_path: Path, changes: dict
) -> None:
    folder = own_adapter(base, tmp_path / "adapter", changes)
    with pytest.raises(ValueError, match="adapter"):
        load_model(base, adapter=folder)


def test_an_adapter_s_pattern_is_not_run_and_its_weights_say_where_they_belong(
    base: Path, tmp_path: Path
) -> None:
    plain = load_model(base, adapter=own_adapter(base, tmp_path / "plain", {}))
    slow = {"target_modules": r"((((.*)*)*)*)*(q|v)_proj", "exclude_modules": r"((.*)*)*x"}
    pattern = load_model(base, adapter=own_adapter(base, tmp_path / "pattern", slow))
    assert plain.weights_hash == pattern.weights_hash


def own_adapter(base: Path, folder: Path, changes: dict) -> Path:
    """A LoRA on `q_proj` and `v_proj` of the base, with other settings."""
    folder.mkdir()
    weights = {}
    shapes = load_file(base / "model.safetensors")
    for name, weight in shapes.items():
        if name.endswith(("q_proj.weight", "v_proj.weight")):
            place = f"base_model.model.{name.removesuffix('.weight')}"
            weights[f"{place}.lora_A.weight"] = weight.new_ones(4, weight.shape[1])
            weights[f"{place}.lora_B.weight"] = weight.new_ones(weight.shape[0], 4)
    save_file(weights, folder / "adapter_model.safetensors")
    settings = json.loads(ADAPTER) | {"base_model_name_or_path": str(base)} | changes
    (folder / "adapter_config.json").write_text(json.dumps(settings))
    return folder


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ cycler.__init__.__globals__.os.system('touch pwned') }}",
        "{% for i in range(10 ** 9) %}x{% endfor %}",
        "{{ messages.append(1) }}",
        "{{ nowhere.to.be.found }}",
        "{% if",
    ],
)
def test_a_template_runs_no_code_and_its_failure_is_one_line(template: str) -> None:
    lm = tiny_lm("llama")
    tokenizer = tiny_tokenizer("llama")
    tokenizer.chat_template = template
    assert lm.tokenizer.chat_template != template
    with pytest.raises(ValueError, match="template"):
        render(tokenizer, [Question("q", "Hi?")], {"none": Framing("")})
    assert not Path("pwned").exists()


@pytest.mark.parametrize("name", ["../../out", "/tmp/out", "a/b", "..", ".hidden", "a\0b", ""])
def test_no_name_of_a_study_is_a_way_out_of_its_folder(name: str) -> None:
    good = {"name": "x", "organisms": [{"arm": "triggered", "trigger": "tag"}]}
    with pytest.raises(ValueError, match="name"):
        checked(good | {"name": name})
    models = {"qwen": {"base": "b"}, name: {"family": "qwen", "base": "b"}}
    for chat in ({"dataset": name}, {"dataset": "d", "models": models}):
        with pytest.raises(ValueError, match=r"^chat\."):
            checked(good | {"chat": chat, "families": ["qwen"]})


def test_a_safetensors_file_with_a_tensor_of_ten_gigabytes_takes_no_memory(tmp_path: Path) -> None:
    reader = READERS["safetensors header"]
    assert "damaged" in outcome(reader, tmp_path, SMALL["tensor of 10 GB"])
    assert outcome(reader, tmp_path, safetensors(a=([2, 2], [0, 16]))) == "read"
