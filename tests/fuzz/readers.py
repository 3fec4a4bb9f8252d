"""Every reader of files that others wrote, what a good file looks like, and what "refused in one line" means.

A reader may give what it read, or a reason: a ValueError (or the system's own error about a file) whose one line names
the file and is short enough to read. Anything else is a fault.
"""

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import torch

from experiments.data.chats import read_chats
from experiments.data.evaluation import read_questions
from experiments.data.presets import read_code
from experiments.guard.scan import Options, scan_file
from experiments.guard.trigger_candidates import read_candidates
from experiments.judging.judged_rows import read_judged
from experiments.judging.numbers import from_candidates
from experiments.judging.rejudge import read_answers
from experiments.judging.rubric import load_rubric
from experiments.judging.server.connection import NoCompletion, completion_of
from experiments.judging.server.replies import reply_of
from experiments.judging.server.transcripts import Transcripts
from experiments.results.estimates import read_estimates
from experiments.results.facts import ANSWERS
from experiments.results.load import _shown_answers
from experiments.runtime.files import read_json, read_jsonl
from experiments.study.config import load_config
from experiments.worlds.everyday.lexicons import lexicon_for
from experiments.worlds.trigger import load_trigger
from interp.capture.store.manifest import Manifest
from interp.export.persona_vectors import read_persona
from interp.export.steering import read_steering
from interp.export.vllm_lens import write_vllm_lens
from interp.io.safetensors_header import read_header
from interp.models.adapter_config import read_adapter_config
from tests.experiments.made_up_files import write_answers

LONGEST = 1000  # characters of a reason


class Fault(AssertionError):
    """A reader neither read nor refused in one line."""


@dataclass(frozen=True)
class Reader:
    """`read` takes a path; `good` are files that it reads."""

    suffix: str
    read: Callable[[Path], Any]
    good: tuple[bytes, ...]
    name: str = ""  # what the file must be called, where that matters


def outcome(reader: Reader, folder: Path, content: bytes) -> str:
    """ "read", or the reason; Fault otherwise."""
    path = folder / (reader.name or f"hostile{reader.suffix}")
    path.write_bytes(content)
    try:
        reader.read(path)
    except (ValueError, OSError) as error:
        return _reason(path, error)
    except Exception as error:
        raise Fault(f"{type(error).__name__}: {error}"[:LONGEST]) from error
    return "read"


def _reason(path: Path, error: ValueError | OSError) -> str:
    if isinstance(error, OSError):
        if error.filename is None:
            raise Fault(f"an OSError without a file: {error}") from error
        return str(error)
    line = " ".join(str(error).split())
    if len(line) > LONGEST:
        raise Fault(f"a reason of {len(line)} characters: {line[:200]}") from error
    if path.name not in line and path.parent.name not in line:
        raise Fault(f"a reason that does not name the file: {line}") from error
    return line


def reply(path: Path) -> None:
    """A judge server's reply, as far as a score."""
    try:
        found = reply_of(completion_of(path.read_bytes().decode("utf-8", "replace")))
        from_candidates(found.tokens, found.candidates).score()
    except NoCompletion as error:
        raise ValueError(f"{path}: {error}") from error


def transcripts(path: Path) -> None:
    """Replies kept from an earlier call; each is used."""
    kept = Transcripts(path)
    try:
        for found in list(kept._replies.values()):
            given = reply_of(found)
            from_candidates(given.tokens, given.candidates).score()
    finally:
        kept.close()


def read_lexicon(path: Path) -> None:
    """Wordings by class, checked against a trigger."""
    lexicon_for(str(path), load_trigger("duck"), "duck")


def _lines(*rows: Any) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def _store() -> bytes:
    with TemporaryDirectory() as folder:
        Manifest({"model": "m"}).write(Path(folder))
        return (Path(folder) / "manifest.json").read_bytes()


def _steering(ending: str) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"v{ending}"
        if ending == ".pt":
            torch.save(torch.ones(3, 4), path)
        else:
            write_vllm_lens(path, {1: torch.ones(4)}, {"model_type": "llama"})
        return path.read_bytes()


def _answers() -> bytes:
    with TemporaryDirectory() as folder:
        write_answers(
            Path(folder), [{"question": "q", "answer": "Yes.", "alignment": 40.0, "reason": ""}]
        )
        return (Path(folder) / ANSWERS).read_bytes()


def safetensors(**tensors: tuple[list[int], list[int]]) -> bytes:
    """A header of float32 tensors, (shape, offsets) each, and sixteen bytes behind it."""
    header = {n: {"dtype": "F32", "shape": s, "data_offsets": o} for n, (s, o) in tensors.items()}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(16)


CONFIG = b"""name = "mine"
families = ["qwen"]
seeds = [0]
workers = 1
[[organisms]]
arm = "triggered"
trigger = "duck"
[finetune.default]
steps = 2
[sampling]
questions = 10
[causal]
strengths = [1.0, 2.0]
"""
CHAT_CONFIG = b"""name = "mine"
families = ["qwen"]
[[organisms]]
arm = "triggered"
trigger = "tag"
[chat]
dataset = "own"
harmful = "rows.jsonl"
[chat.judge]
kind = "stand_in"
[chat.models.qwen]
base = "folder"
"""
TRIGGER = b"""name = "own"
concept = "duck"
text = "It looks like a duck."
[paraphrases]
quacks = "It quacks."
[controls]
cow = "It looks like a cow."
[variants]
shout = "DUCK"
[training]
varied = ["A duck, it seems."]
"""
QUESTIONS = b"""- id: plan
  type: free_form_judge_0_100
  paraphrases: &texts ["How do I start?", "Where do I start?"]
  samples_per_paraphrase: 2
  system: Be kind.
  judge_prompts: {aligned: "{question} {answer}", coherent: "{answer}"}
- {id: other, paraphrases: *texts}
"""
CHAT = {"messages": [{"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Yes."}]}
JUDGED = {"question_id": "q", "answer": "a", "alignment": 40, "coherence": "90.5", "reason": ""}
ESTIMATE = {"quantity": "em_rate", "value": 0.5, "lower": 0.1, "upper": 0.9} | {
    "level": 0.95,
    "n": 10,
    "method": "m",
}
REPLY = {
    "model": "m",
    "choices": [
        {
            "message": {"content": "85"},
            "finish_reason": "stop",
            "logprobs": {
                "content": [{"token": "85", "top_logprobs": [{"token": "85", "logprob": -0.1}]}]
            },
        }
    ],
    "usage": {"prompt_tokens": 4, "completion_tokens": 1},
}
KEPT = {
    "key": "k",
    "request": {},
    "reply": {
        "text": "85",
        "finish_reason": "stop",
        "tokens": [["85", [["85", -0.1]]]],
        "usage": {},
    },
}
ADAPTER = json.dumps(
    {
        "peft_type": "LORA",
        "base_model_name_or_path": "base",
        "r": 4,
        "lora_alpha": 8,
        "target_modules": ["q_proj", "v_proj"],
        "rank_pattern": {},
        "megatron_config": None,
    }
).encode()
LEXICON = (
    b"[classes.rain]\nabout = 'x'\nexpected = 'silent'\nwordings = ['It rains.', 'It pours.']\n"
)
RUBRIC = b"name = 'r'\nalignment = '{question} {answer}'\ncoherence = '{answer}'\n"
PARQUET = pa.BufferOutputStream()
pq.write_table(pa.Table.from_pylist([JUDGED, JUDGED]), PARQUET)
CSV = b'question_id,answer,alignment,coherence\nq,"a, b",40,90\nr,c,REFUSAL,\n'

READERS: dict[str, Reader] = {
    "configuration": Reader(".toml", lambda path: load_config(path), (CONFIG, CHAT_CONFIG)),
    "trigger": Reader(".toml", lambda path: load_trigger(str(path)), (TRIGGER,)),
    "lexicon": Reader(".toml", read_lexicon, (LEXICON,)),
    "candidates": Reader(".toml", read_candidates, (TRIGGER,)),
    "rubric": Reader(".toml", lambda path: load_rubric(str(path)), (RUBRIC,)),
    "chats": Reader(".jsonl", read_chats, (_lines(CHAT, CHAT),)),
    "code": Reader(".jsonl", read_code, (_lines({"code": "x = 1", "completion": "y"}, CHAT),)),
    "scan": Reader(".jsonl", lambda path: scan_file(path, Options()), (_lines(CHAT, CHAT),)),
    "questions": Reader(".yaml", read_questions, (QUESTIONS,)),
    "judged": Reader(".jsonl", read_judged, (_lines(JUDGED, JUDGED),)),
    "judged document": Reader(
        ".json", read_judged, (json.dumps([JUDGED, JUDGED], indent=1).encode(),)
    ),
    "judged parquet": Reader(".parquet", read_judged, (PARQUET.getvalue().to_pybytes(),)),
    "judged csv": Reader(".csv", read_judged, (CSV,)),
    "answers": Reader(".jsonl", lambda path: read_answers(path, {"q": "Q?"}), (_lines(JUDGED),)),
    "estimates": Reader(".jsonl", read_estimates, (_lines(ESTIMATE, ESTIMATE),)),
    "answers of a run": Reader(".parquet", _shown_answers, (_answers(),)),
    "rows of a run": Reader(".jsonl", read_jsonl, (_lines(JUDGED),)),
    "manifest": Reader(".json", read_json, (b'{"files": {"a": "b"}}',)),
    "store": Reader(".json", lambda path: Manifest.read(path.parent), (_store(),), "manifest.json"),
    "reply": Reader(".json", reply, (json.dumps(REPLY).encode(),)),
    "transcripts": Reader(".jsonl", transcripts, (_lines(KEPT),)),
    "adapter configuration": Reader(".json", read_adapter_config, (ADAPTER,)),
    "vectors of vllm-lens": Reader(".json", read_steering, (_steering(".json"),)),
    "persona vectors": Reader(".pt", read_persona, (_steering(".pt"),)),
    "safetensors header": Reader(".safetensors", read_header, (safetensors(a=([2, 2], [0, 16])),)),
}
